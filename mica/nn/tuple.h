// Sizes as PyTorch's layers print them.
#pragma once

#include <string>

#include <mica/core/shape.h>

namespace mica::nn::detail {

// A Python tuple: "(3, 2)", "(3,)".
std::string show_tuple(const Shape& sizes);
// As it was given: a single number for all dimensions, or a tuple.
std::string show_sizes(const Shape& sizes);

}  // namespace mica::nn::detail
