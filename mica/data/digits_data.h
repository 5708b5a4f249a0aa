// The digits as they are kept in the library.
#pragma once

#include <cstddef>
#include <string_view>

namespace mica::data {

inline constexpr std::size_t digit_count = 1797;
inline constexpr std::size_t digit_pixels = 64;

// All pixels (one byte each, 0 to 16), image after image, then all labels; compressed with zlib and written
// as base 85: every four bytes are five characters, the most significant first, '(' for 0 up to '|' for 84,
// but
// '}' for the backslash and '~' for the question mark. scripts/make_digits.py writes it.
extern const std::string_view digits_base85;

}  // namespace mica::data
