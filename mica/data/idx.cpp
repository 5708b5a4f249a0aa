#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/data/gzip_file.h>
#include <mica/data/idx.h>

namespace mica::data {

namespace {

// The file: two zero bytes, the element type, the number of dimensions, each size in 32 bits, the elements in
// row-major order. All numbers are big-endian.
class IdxReader {
 public:
  explicit IdxReader(const std::filesystem::path& path) : path_(path), file_("read_idx", path) {}

  Tensor read() {
    std::array<std::byte, 4> start{};
    read_header(start.data(), start.size());
    if (start[0] != std::byte{0} || start[1] != std::byte{0}) {
      fail("the first two bytes are not zero, as those of an IDX file are", "is this another kind of file?");
    }
    const auto rank = std::to_integer<int>(start[3]);
    if (rank < 1 || rank > max_dims) {
      fail(fmt::format("the header claims {} dimensions; 1 to {} are possible", rank, max_dims));
    }
    switch (const auto type = std::to_integer<int>(start[2])) {
      case 0x08: return read_elements<std::uint8_t, std::uint8_t>(rank);
      case 0x09: return read_elements<std::int8_t, std::int32_t>(rank);
      case 0x0b: return read_elements<std::int16_t, std::int32_t>(rank);
      case 0x0c: return read_elements<std::int32_t, std::int32_t>(rank);
      case 0x0d: return read_elements<float, float>(rank);
      case 0x0e: return read_elements<double, double>(rank);
      default:
        fail(fmt::format("{:#04x} is not the code of an element type; those are 0x08, 0x09, 0x0b to 0x0e",
                         type));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what,
                         const std::string& hint = "the file is damaged or not an IDX file") const {
    throw Error("read_idx", fmt::format("{}: {}", path_.string(), what), hint);
  }

  void read_header(std::byte* out, std::size_t bytes) {
    if (file_.read(out, bytes) != bytes) fail("the file ends inside the header");
  }

  template <class T> static T from_big_endian(const std::byte* bytes) {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    Bits bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) bits = (bits << 8) | std::to_integer<Bits>(bytes[i]);
    if constexpr (std::is_floating_point_v<T>) {
      return std::bit_cast<T>(bits);
    } else {
      return static_cast<T>(bits);
    }
  }

  // The sizes, if a file like this one can have so many elements.
  Shape read_sizes(int rank, std::size_t element_bytes) {
    Shape sizes;
    // Zeros count as ones here, so that what follows a zero has to be countable too: strides are products.
    std::uint64_t bytes = element_bytes;
    bool countable = true;
    for (int i = 0; i < rank; ++i) {
      std::array<std::byte, 4> size{};
      read_header(size.data(), size.size());
      const auto n = from_big_endian<std::uint32_t>(size.data());
      sizes.push_back(n);
      countable = countable && !__builtin_mul_overflow(bytes, std::max(n, 1U), &bytes);
    }
    if (!countable ||
        bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / sizeof(double)) {
      fail(fmt::format("sizes {} are more than can be counted", to_string(sizes)));
    }
    const auto needed = static_cast<std::uint64_t>(sizes.numel()) * element_bytes;
    if (needed > file_.max_size()) {
      fail(fmt::format("sizes {} need {} bytes, but the file has {} at most", to_string(sizes), needed,
                       file_.max_size()),
           "the file is cut off, or damaged");
    }
    return sizes;
  }

  // Elements are `Stored` in the file and `T` in the tensor.
  template <class Stored, class T> Tensor read_elements(int rank) {
    const Shape sizes = read_sizes(rank, sizeof(Stored));
    Tensor y = empty(sizes, dtype_of<T>);
    const auto out = y.data<T>();
    std::vector<std::byte> chunk(std::min(out.size() * sizeof(Stored), std::size_t{1} << 16));
    for (std::size_t done = 0; done < out.size();) {
      const std::size_t count = std::min(out.size() - done, chunk.size() / sizeof(Stored));
      const std::size_t read = file_.read(chunk.data(), count * sizeof(Stored)) / sizeof(Stored);
      for (std::size_t i = 0; i < read; ++i) {
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): signed bytes are numbers here, not characters
        out[done + i] = from_big_endian<Stored>(chunk.data() + i * sizeof(Stored));
      }
      done += read;
      if (read < count) {
        fail(fmt::format("the file ends after {} of {} elements", done, out.size()), "the file is cut off");
      }
    }
    std::byte beyond{};
    if (file_.read(&beyond, 1) != 0) {
      fail(fmt::format("there is more behind the {} elements of the header's sizes {}", out.size(),
                       to_string(sizes)));
    }
    return y;
  }

  const std::filesystem::path path_;
  GzipFile file_;
};

}  // namespace

Tensor read_idx(const FilePath& path) { return IdxReader(path.string()).read(); }

}  // namespace mica::data
