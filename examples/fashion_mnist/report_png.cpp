#include "report_png.h"

#include <cstddef>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>

namespace demo {
namespace {

void append_big_endian(std::string& out, std::uint32_t value) {
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>((value >> shift) & 0xFF);
}

std::uint32_t checksum(std::string_view data) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
}

// PNG specification, section 5.3: length, type, data, CRC of type and data.
void append_chunk(std::string& png, std::string_view type, std::string_view data) {
  append_big_endian(png, static_cast<std::uint32_t>(data.size()));
  const std::string body = std::string(type).append(data);
  png += body;
  append_big_endian(png, checksum(body));
}

std::string deflated(std::string_view data) {
  uLongf size = compressBound(static_cast<uLong>(data.size()));
  std::string out(size, '\0');
  const int status =
      compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
                static_cast<uLong>(data.size()), Z_BEST_COMPRESSION);
  if (status != Z_OK) throw std::runtime_error(fmt::format("report: zlib returned {} for an image", status));
  out.resize(size);
  return out;
}

std::string base64(std::string_view data) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (i + j < data.size() ? static_cast<std::uint8_t>(data[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool padding = i + j > data.size();
      out += padding ? '=' : letters[bits >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

}  // namespace

std::string png_data_uri(const std::vector<std::uint8_t>& pixels, int width, int height) {
  if (width <= 0 || height <= 0)
    throw std::runtime_error(fmt::format("report: an image of {}x{} pixels", width, height));
  const auto columns = static_cast<std::size_t>(width), rows = static_cast<std::size_t>(height);

  std::string header;
  append_big_endian(header, static_cast<std::uint32_t>(width));
  append_big_endian(header, static_cast<std::uint32_t>(height));
  header +=
      std::string_view("\x08\0\0\0\0", 5);  // 8 bits, grey; standard compression and filters, no interlace

  std::string scanlines;
  for (std::size_t y = 0; y < rows; ++y) {
    scanlines += '\0';  // each row starts with its filter: none
    for (std::size_t i = y * columns; i < (y + 1) * columns; ++i) {
      scanlines += i < pixels.size() ? static_cast<char>(pixels[i]) : '\0';
    }
  }

  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", deflated(scanlines));
  append_chunk(png, "IEND", "");
  return "data:image/png;base64," + base64(png);
}

}  // namespace demo
