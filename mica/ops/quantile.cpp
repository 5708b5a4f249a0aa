#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduction.h>
#include <mica/ops/sort.h>

namespace mica {

namespace {

void check(const Tensor& x, const Tensor& q) {
  ops::check_floating("quantile", x);
  ops::check_same_dtype("quantile", x, "the tensor", q, "q");
  if (q.dim() > 1)
    throw Error("quantile", fmt::format("q has shape {}", to_string(q.sizes())), "one dimension or none");
  for (const double v : q.to_vector<double>()) {
    if (!(v >= 0 && v <= 1)) throw Error("quantile", fmt::format("q contains {}", v), "use 0 to 1");
  }
  if (x.numel() == 0) throw Error("quantile", fmt::format("nothing in shape {}", to_string(x.sizes())));
}

double whole_position(double rank, Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::higher: return std::ceil(rank);
    case Interpolation::nearest: return std::nearbyint(rank);
    default: return std::floor(rank);
  }
}

// The elements of sorted rows (..., n) at these positions, or NaN where a row has one: (..., m).
Tensor elements(const Tensor& sorted, const std::vector<std::int64_t>& positions) {
  const std::int64_t last = sorted.size(-1) - 1;
  Shape sizes = sorted.sizes();
  sizes[sizes.size() - 1] = static_cast<std::int64_t>(positions.size());
  const Tensor has_nan = isnan(sorted.detach().narrow(-1, last, 1));
  const Tensor at = masked_fill(from_vector(positions).expand(sizes), has_nan, last);
  return sorted.gather(-1, at);
}

// Of sorted rows (..., n): (..., m).
Tensor quantiles(const Tensor& sorted, const Tensor& q, Interpolation interpolation) {
  const std::int64_t last = sorted.size(-1) - 1;
  const Tensor rank = q * last;
  std::vector<std::int64_t> below;
  std::vector<std::int64_t> above;
  for (const double r : rank.to_vector<double>()) {
    below.push_back(static_cast<std::int64_t>(whole_position(r, interpolation)));
    above.push_back(static_cast<std::int64_t>(std::ceil(r)));
  }
  Tensor low = elements(sorted, below);
  if (interpolation != Interpolation::linear && interpolation != Interpolation::midpoint) return low;
  const Tensor difference = elements(sorted, above) - low;
  if (interpolation == Interpolation::midpoint) return low + difference * 0.5;
  return low + difference * (rank - from_vector(below).to(rank.dtype()));
}

}  // namespace

Tensor quantile(const Tensor& x, const Tensor& q, const QuantileOptions& options) {
  if (autocast_enabled()) {
    const auto run = [&](const Tensor& values, const Tensor& at) { return quantile(values, at, options); };
    return ops::autocast_to<f32>(run, x, q);
  }
  check(x, q);
  if (const DType type = ops::compute_type(x.dtype()); type != x.dtype())
    return quantile(x.to(type), q.to(type), options).to(x.dtype());
  const bool along = options.dim && x.dim() > 0;
  const int d = options.dim ? wrap_dim(*options.dim, x.sizes().size(), "quantile") : 0;
  const Tensor rows = along ? x.movedim({d}, {-1}) : x.flatten();
  Tensor y = quantiles(rows.sort().values, q.flatten(), options.interpolation);
  if (options.keepdim) {
    Shape sizes = along ? x.sizes() : Shape::filled(x.sizes().size(), 1);
    if (along) sizes[d] = 1;
    sizes.push_back(q.numel());
    y = y.reshape(sizes);
  }
  return q.dim() == 0 ? y.select(-1, 0) : y.movedim({-1}, {0});
}

Tensor quantile(const Tensor& x, double q, const QuantileOptions& options) {
  if (autocast_enabled())
    return ops::autocast_to<f32>([&](const Tensor& wide) { return quantile(wide, q, options); }, x);
  return quantile(x, full({}, q, x.dtype()), options);
}

}  // namespace mica
