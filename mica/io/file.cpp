#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/io/file.h>

namespace mica::io {

namespace {

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "free some space or choose another place; what was there before is unchanged";
    case EACCES:
    case EPERM:
    case EROFS: return "choose a folder that you may write to";
    case ENOENT: return "create the folder first";
    default: return {};
  }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  std::error_code unknown;  // then creating a file beside it fails as well, and says why
  if (std::filesystem::is_directory(target, unknown)) {
    throw Error("write", fmt::format("{} is a folder", target.string()), "give the name of a file");
  }
  constexpr std::size_t most = 200;  // names are limited to 255 bytes, and this one has eight more
  temporary_ = folder_of(target) / fmt::format(".{}.XXXXXX", target.filename().string().substr(0, most));
  std::string pattern = temporary_.string();
  descriptor_ = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail("create");
  temporary_ = pattern;
  // mkostemp gives 0600; a new file gets what the umask allows.
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor_, 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* what) const {
  const int error = errno;
  throw Error("write", fmt::format("cannot {} {}: {}", what, target_.string(), std::strerror(error)),
              hint_for(error));
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const auto* p = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(descriptor_, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    p += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail("flush");
  const int descriptor = descriptor_;
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("replace");
  descriptor_ = -1;
  close(descriptor);
  // The rename itself survives a power cut once the folder is flushed; not every file system can, so errors
  // are ignored.
  const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
}

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  const auto fail = [&](const char* what) {
    throw Error("read", fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
  };
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail("open");
  struct stat info{};
  if (fstat(descriptor_, &info) != 0) {
    close(descriptor_);
    fail("inspect");
  }
  if (!S_ISREG(info.st_mode)) {
    close(descriptor_);
    throw Error("read", fmt::format("{} is not a regular file", path.string()));
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() { close(descriptor_); }

void InputFile::read(void* data, std::size_t bytes) {
  read_at(position_, data, bytes);
  position_ += bytes;
}

void InputFile::read_at(std::uint64_t position, void* data, std::size_t bytes) const {
  auto* p = static_cast<std::byte*>(data);
  while (bytes > 0) {
    const ssize_t n = pread(descriptor_, p, bytes, static_cast<off_t>(position));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error("read", fmt::format("cannot read {}: {}", path_.string(), std::strerror(errno)));
    if (n == 0)
      throw Error("read", fmt::format("{} ends too early", path_.string()), "the file is truncated");
    p += n;
    position += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

std::shared_ptr<std::byte> InputFile::map() const {
  const auto bytes = static_cast<std::size_t>(size_);
#ifdef MAP_PRIVATE
  int flags = MAP_PRIVATE;
#ifdef MAP_NORESERVE
  flags |=
      MAP_NORESERVE;  // else a file larger than the free memory is refused, though few pages may be written
#endif
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor_, 0);
  if (mapped != MAP_FAILED)
    return {static_cast<std::byte*>(mapped), [bytes](std::byte* p) { munmap(p, bytes); }};
#endif
  std::shared_ptr<std::byte> copy(static_cast<std::byte*>(allocate(bytes)),
                                  [bytes](std::byte* p) { deallocate(p, bytes); });
  read_at(0, copy.get(), bytes);
  return copy;
}

}  // namespace mica::io
