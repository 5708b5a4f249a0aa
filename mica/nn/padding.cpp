#include <vector>

#include <fmt/format.h>

#include <mica/nn/padding.h>

namespace mica::nn::detail {

PaddingLayer::PaddingLayer(std::string_view type, int dims, const Shape& sides)
    : padding(sides.size() == 1 ? Shape::filled(2 * dims, sides[0]) : sides) {
  forbid_construction_inside_forward(fmt::format("nn::{}", type).c_str());
  if (padding.size() == 2 * dims) return;
  throw Error(std::string(type), fmt::format("padding {}", show_tuple(sides)),
              fmt::format("one number, or {}: two for each dimension, the last one first", 2 * dims));
}

Tensor PaddingLayer::apply(std::string_view type, const Tensor& x, const PadOptions& options) const {
  const int dims = padding.size() / 2;
  const bool fits =
      options.mode == PadMode::constant ? x.dim() >= dims : x.dim() == dims + 1 || x.dim() == dims + 2;
  if (!fits) {
    throw Error(
        std::string(type),
        fmt::format("input of shape {}, but {} dimensions are padded", mica::to_string(x.sizes()), dims),
        "(N, C, ...) or (C, ...)");
  }
  return pad(x, std::vector<std::int64_t>(padding.begin(), padding.end()), options);
}

}  // namespace mica::nn::detail
