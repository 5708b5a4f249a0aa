// Small grey images inside a page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace demo {

// A grey 8-bit image (height, width) as a PNG in a data: URI. Pixels that are missing are black.
// Throws std::runtime_error for a size that is not positive.
std::string png_data_uri(const std::vector<std::uint8_t>& pixels, int width, int height);

}  // namespace demo
