#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include <mica/core/error.h>
#include <mica/data/gzip_file.h>

namespace mica::data {

namespace {
constexpr std::array<unsigned char, 2> gzip_magic = {0x1f, 0x8b};
// Deflate's densest code: a match of 258 bytes in two bits.
constexpr std::uint64_t max_ratio = 1032;
constexpr std::size_t input_size = std::size_t{1} << 16;
}  // namespace

// zlib's state and the compressed bytes that it has not seen yet.
class GzipFile::Inflater {
 public:
  Inflater() : input_(input_size) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::size_t read(GzipFile& file, void* out, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
      if (stream_.avail_in == 0) {
        stream_.next_in = input_.data();
        stream_.avail_in = static_cast<uInt>(file.read_raw(input_.data(), input_.size()));
        if (stream_.avail_in == 0) {
          if (member_ended_) break;
          file.fail("the compressed data is cut off", "copy or download the file again");
        }
      }
      if (member_ended_) {  // gzip files may be several, one after the other
        inflateReset(&stream_);
        member_ended_ = false;
      }
      const std::size_t room = std::min(bytes - done, std::size_t{std::numeric_limits<uInt>::max()});
      stream_.next_out = static_cast<Bytef*>(out) + done;
      stream_.avail_out = static_cast<uInt>(room);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (status == Z_STREAM_END) {
        member_ended_ = true;
      } else if (status != Z_OK) {
        file.fail(fmt::format("the compressed data is damaged ({})",
                              stream_.msg != nullptr ? stream_.msg : zError(status)),
                  "copy or download the file again");
      }
    }
    return done;
  }

 private:
  z_stream stream_{};
  std::vector<Bytef> input_;
  bool member_ended_ = false;  // a checksum has been read and agreed
};

void GzipFile::Close::operator()(std::FILE* file) const { std::fclose(file); }

GzipFile::GzipFile(std::string operation, const std::filesystem::path& path)
    : operation_(std::move(operation)), path_(path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    fail(status.type() == std::filesystem::file_type::not_found ? "there is no such file" : error.message(),
         "check the path");
  }
  if (std::filesystem::is_directory(status)) fail("this is a folder", "give the path of a file inside");
  if (!std::filesystem::is_regular_file(status)) fail("this is not a regular file", "");
  file_size_ = std::filesystem::file_size(path, error);
  if (error) fail(error.message(), "");
  file_.reset(std::fopen(path.c_str(), "rb"));
  if (!file_) fail(std::generic_category().message(errno), "check the file's permissions");

  std::array<unsigned char, 2> magic{};
  const std::size_t bytes = read_raw(magic.data(), magic.size());
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) fail(std::generic_category().message(errno), "");
  if (bytes == magic.size() && magic == gzip_magic) inflater_ = std::make_unique<Inflater>();
}

GzipFile::~GzipFile() = default;

std::size_t GzipFile::read(void* out, std::size_t bytes) {
  return inflater_ ? inflater_->read(*this, out, bytes) : read_raw(out, bytes);
}

std::uint64_t GzipFile::max_size() const {
  if (!inflater_) return file_size_;
  std::uint64_t bytes = 0;
  return __builtin_mul_overflow(file_size_, max_ratio, &bytes) ? std::numeric_limits<std::uint64_t>::max()
                                                               : bytes;
}

std::size_t GzipFile::read_raw(void* out, std::size_t bytes) {
  errno = 0;
  const std::size_t done = std::fread(out, 1, bytes, file_.get());
  if (std::ferror(file_.get()) != 0) fail(std::generic_category().message(errno), "");
  return done;
}

void GzipFile::fail(const std::string& what, const std::string& hint) const {
  throw Error(operation_, fmt::format("{}: {}", path_.string(), what), hint);
}

}  // namespace mica::data
