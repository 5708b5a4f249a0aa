// Internal: class templates over a number of dimensions that go by names like Conv2d.
#pragma once

#include <array>
#include <cstddef>

#include <mica/reflect/type_name.h>

namespace mica::nn::detail {

// "Conv2d" as reflect::detail::type_text has it, so that such a class has that name in prints, files and
// errors: specialised below each of them.
template <std::size_t size>
constexpr std::array<char, size + 1> numbered_type(const char (&name)[size], int dims) {
  std::array<char, size + 1> out{};
  for (std::size_t i = 0; i + 1 < size; ++i) out[i] = name[i];
  out[size - 1] = static_cast<char>('0' + dims);
  out[size] = 'd';
  return out;
}

}  // namespace mica::nn::detail
