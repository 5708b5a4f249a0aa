#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <zlib.h>

#include <mica/core/error.h>
#include <mica/data/digits.h>
#include <mica/data/digits_data.h>

namespace mica::data {

namespace {

constexpr std::int64_t count = digit_count;
constexpr std::int64_t side = 8;
constexpr std::int64_t test_count = 360;

std::uint32_t base85_digit(char c) {
  if (c == '}') c = '\\';
  if (c == '~') c = '?';
  return static_cast<std::uint32_t>(c - '(');
}

std::vector<std::uint8_t> from_base85(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 5 * 4);
  for (std::size_t i = 0; i + 5 <= text.size(); i += 5) {
    std::uint32_t word = 0;
    for (const char c : text.substr(i, 5)) word = word * 85 + base85_digit(c);
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  return bytes;
}

}  // namespace

LabelledImages digits() {
  const std::vector<std::uint8_t> compressed = from_base85(digits_base85);
  std::vector<std::uint8_t> bytes(digit_count * (digit_pixels + 1));
  uLongf size = bytes.size();
  // The checksum in the data is compared here. Bytes that fill up the last word are ignored.
  if (uncompress(bytes.data(), &size, compressed.data(), compressed.size()) != Z_OK || size != bytes.size()) {
    throw Error("digits", "the data built into the library is damaged", "build the library anew");
  }
  const std::span<const std::uint8_t> pixels(bytes.data(), digit_count * digit_pixels);
  const std::span<const std::uint8_t> labels = std::span<const std::uint8_t>(bytes).subspan(pixels.size());

  LabelledImages out{.images = empty({count, 1, side, side}),
                     .labels = empty(Shape(count), i64),
                     .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
  std::transform(pixels.begin(), pixels.end(), out.images.data<float>().begin(),
                 [](std::uint8_t p) { return static_cast<float>(p) / 16; });
  std::copy(labels.begin(), labels.end(), out.labels.data<std::int64_t>().begin());
  return out;
}

LabelledImages digits(Split split) {
  LabelledImages out = digits();
  const std::int64_t first = split == Split::train ? 0 : count - test_count;
  const std::int64_t length = split == Split::train ? count - test_count : test_count;
  out.images = out.images.narrow(0, first, length);
  out.labels = out.labels.narrow(0, first, length);
  return out;
}

}  // namespace mica::data
