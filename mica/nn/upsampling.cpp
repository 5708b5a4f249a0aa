#include <fmt/format.h>

#include <mica/nn/tuple.h>
#include <mica/nn/upsampling.h>

namespace mica::nn {

Upsample::Upsample(const UpsampleOptions& o) : Upsample("Upsample", o) {}

Upsample::Upsample(const char* type, const UpsampleOptions& o)
    : size(o.size),
      scale_factor(o.scale_factor),
      mode(o.mode),
      align_corners(o.align_corners),
      recompute_scale_factor(o.recompute_scale_factor) {
  if (size.empty() == scale_factor.empty()) throw Error(type, "size and scale_factor", "give one of the two");
}

Tensor Upsample::forward(const Tensor& x) {
  return interpolate(x, {.size = size,
                         .scale_factor = scale_factor,
                         .mode = mode,
                         .align_corners = align_corners,
                         .recompute_scale_factor = recompute_scale_factor});
}

std::string Upsample::extra_repr() const {
  static constexpr const char* modes[] = {"nearest", "nearest-exact", "linear", "bilinear",
                                          "bicubic", "trilinear",     "area"};
  std::string to = "size=" + detail::show_sizes(size);
  if (size.empty()) {
    std::string factors;
    for (const double f : scale_factor) factors += (factors.empty() ? "" : ", ") + detail::show(f);
    to = "scale_factor=" + (scale_factor.size() == 1 ? factors : "(" + factors + ")");
  }
  return fmt::format("{}, mode='{}'", to, modes[static_cast<int>(mode)]);
}

}  // namespace mica::nn
