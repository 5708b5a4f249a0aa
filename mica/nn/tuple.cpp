#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/nn/tuple.h>

namespace mica::nn::detail {

std::string show_tuple(const Shape& sizes) {
  return fmt::format("({}{})", fmt::join(sizes.begin(), sizes.end(), ", "), sizes.size() == 1 ? "," : "");
}

std::string show_sizes(const Shape& sizes) {
  return sizes.size() == 1 ? fmt::format("{}", sizes[0]) : show_tuple(sizes);
}

}  // namespace mica::nn::detail
