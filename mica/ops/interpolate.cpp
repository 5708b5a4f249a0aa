#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/ops/adaptive_pool.h>
#include <mica/ops/band.h>
#include <mica/ops/detail.h>
#include <mica/ops/interpolate.h>
#include <mica/ops/sizes.h>

namespace mica {

namespace {

constexpr const char* operation = "interpolate";

// How one dimension is resampled.
struct Axis {
  std::int64_t in, out;
  double scale;  // the distance of neighbours in the output, in elements of the input
  bool align_corners;

  // Where the middle of output i is in the input.
  double source(std::int64_t i) const {
    const auto position = static_cast<double>(i);
    return align_corners ? scale * position : scale * (position + 0.5) - 0.5;
  }
  bool is_identity() const { return in == out && scale == 1; }
};

// Weights of elements that may lie outside, where the outermost one stands for them.
void add_clamped(kernels::Band& band, std::int64_t in, std::int64_t first, std::vector<double> weights) {
  const auto count = static_cast<std::int64_t>(weights.size());
  const auto at = [&](std::int64_t i) { return std::clamp<std::int64_t>(i, 0, in - 1); };
  const std::int64_t begin = at(first);
  std::vector<double> kept(static_cast<std::size_t>(at(first + count - 1) - begin + 1));
  for (std::int64_t k = 0; k < count; ++k)
    kept[static_cast<std::size_t>(at(first + k) - begin)] += weights[static_cast<std::size_t>(k)];
  ops::add_row(band, begin, kept);
}

void add_linear(kernels::Band& band, const Axis& axis, std::int64_t i) {
  const double source = std::max(axis.source(i), 0.0);
  const std::int64_t first = std::min(static_cast<std::int64_t>(source), axis.in - 1);
  const double t = std::clamp(source - static_cast<double>(first), 0.0, 1.0);
  add_clamped(band, axis.in, first, {1 - t, t});
}

// Keys' cubic: inside one element of the middle, and beyond.
double cubic_inner(double x, double a) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
double cubic_outer(double x, double a) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

void add_cubic(kernels::Band& band, const Axis& axis, std::int64_t i) {
  constexpr double a = -0.75;
  const double source = axis.source(i), floor = std::floor(source), t = source - floor;
  add_clamped(band, axis.in, static_cast<std::int64_t>(floor) - 1,
              {cubic_outer(t + 1, a), cubic_inner(t, a), cubic_inner(1 - t, a), cubic_outer(2 - t, a)});
}

// Pillow's filters: as wide as the elements of the output.
void add_antialiased(kernels::Band& band, const Axis& axis, bool cubic, std::int64_t i) {
  constexpr double a = -0.5;
  const double width = std::max(axis.scale, 1.0), support = (cubic ? 2 : 1) * width;
  const double center = axis.scale * (static_cast<double>(i) + 0.5);
  const auto edge = [&](double x) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(x + 0.5), 0, axis.in);
  };
  const std::int64_t first = std::min(edge(center - support), axis.in - 1);
  const std::int64_t end = std::max(edge(center + support), first + 1);
  std::vector<double> weights;
  weights.reserve(static_cast<std::size_t>(end - first));
  double sum = 0;
  for (std::int64_t k = first; k < end; ++k) {
    const double x = std::abs((static_cast<double>(k) - center + 0.5) / width);
    const double w = !cubic  ? std::max(1 - x, 0.0)
                     : x < 1 ? cubic_inner(x, a)
                     : x < 2 ? cubic_outer(x, a)
                             : 0.0;
    weights.push_back(w);
    sum += w;
  }
  for (double& w : weights) w = sum != 0 ? w / sum : w;
  ops::add_row(band, first, weights);
}

Tensor resampled(const Tensor& x, int dim, const Axis& axis, const InterpolateOptions& o) {
  const bool cubic = o.mode == InterpolationMode::bicubic;
  if (axis.is_identity() || (axis.in == axis.out && !cubic && !o.antialias)) return x;
  auto band = std::make_shared<kernels::Band>();
  band->columns = axis.in;
  for (std::int64_t i = 0; i < axis.out; ++i) {
    if (o.antialias)
      add_antialiased(*band, axis, cubic, i);
    else if (cubic)
      add_cubic(*band, axis, i);
    else
      add_linear(*band, axis, i);
  }
  return ops::band_product(x, dim, std::move(band));
}

Tensor nearest(const Tensor& x, int dim, const Axis& axis, bool exact) {
  if (axis.is_identity()) return x;
  Tensor index = empty(Shape(axis.out), i64);
  const auto scale = static_cast<float>(axis.scale);  // PyTorch rounds here
  auto to = index.data<std::int64_t>().begin();
  for (std::int64_t i = 0; i < axis.out; ++i) {
    const float position =
        exact ? static_cast<float>((static_cast<double>(i) + 0.5) * static_cast<double>(scale))
              : static_cast<float>(i) * scale;
    *to++ = std::min(static_cast<std::int64_t>(std::floor(position)), axis.in - 1);
  }
  return x.index_select(dim, index);
}

[[noreturn]] void fail(const std::string& what, const char* hint = "") { throw Error(operation, what, hint); }

void check_mode(const Tensor& x, const InterpolateOptions& o) {
  const std::int64_t dims = x.dim() - 2;
  if (dims < 1 || dims > 3) {
    fail(fmt::format("expected an input of 3 to 5 dimensions, got {} (input {})", x.dim(),
                     to_string(x.sizes())),
         "(N, C, L), (N, C, H, W) or (N, C, D, H, W)");
  }
  static constexpr const char* modes[] = {"nearest", "nearest_exact", "linear", "bilinear",
                                          "bicubic", "trilinear",     "area"};
  const char* mode = modes[static_cast<int>(o.mode)];
  const std::int64_t wanted = o.mode == InterpolationMode::linear ? 1
                              : o.mode == InterpolationMode::bilinear || o.mode == InterpolationMode::bicubic
                                  ? 2
                              : o.mode == InterpolationMode::trilinear ? 3
                                                                       : 0;
  if (wanted != 0 && wanted != dims)
    fail(fmt::format("{} needs an input of {} dimensions, got {}", mode, wanted + 2, x.dim()));
  if (wanted == 0 && o.align_corners)
    fail(fmt::format("align_corners for {}", mode), "only linear, bilinear, bicubic and trilinear have it");
  if (o.antialias && wanted != 2)
    fail(fmt::format("antialias for {}", mode), "only bilinear and bicubic have it");
  if (o.size.empty() == o.scale_factor.empty()) fail("size and scale_factor", "give one of the two");
  if (o.recompute_scale_factor && !o.size.empty()) fail("recompute_scale_factor with a size");
}

std::vector<Axis> axes_of(const Tensor& x, const InterpolateOptions& o) {
  const auto dims = static_cast<int>(x.dim() - 2);
  std::vector<double> factors = o.scale_factor;
  if (factors.size() == 1) factors.assign(static_cast<std::size_t>(dims), factors[0]);
  if (!factors.empty() && factors.size() != static_cast<std::size_t>(dims))
    fail(fmt::format("scale_factor [{}] for {} dimensions", fmt::join(factors, ", "), dims));
  const Shape sizes = factors.empty() ? ops::for_each_dim(operation, "size", o.size, dims) : Shape();
  std::vector<Axis> axes;
  for (int d = 0; d < dims; ++d) {
    Axis axis{.in = x.size(d + 2), .out = 0, .scale = 1, .align_corners = o.align_corners.value_or(false)};
    const double factor = factors.empty() ? 0 : factors[static_cast<std::size_t>(d)];
    const double scaled = std::floor(static_cast<double>(axis.in) * factor);
    if (!(scaled < 0x1p53)) fail(fmt::format("scale_factor {}", factor));
    axis.out = factors.empty() ? sizes[d] : static_cast<std::int64_t>(scaled);
    if (axis.in < 1 || axis.out < 1) {
      fail(fmt::format("an output of size {} in dimension {} (input {})", axis.out, d + 2,
                       to_string(x.sizes())),
           "both must have elements");
    }
    const auto in = static_cast<double>(axis.in), out = static_cast<double>(axis.out);
    if (axis.align_corners)
      axis.scale = axis.out > 1 ? (in - 1) / (out - 1) : 0;
    else
      axis.scale = factors.empty() || o.recompute_scale_factor ? in / out : 1 / factor;
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& o) {
  check_mode(x, o);
  const std::vector<Axis> axes = axes_of(x, o);
  const auto dims = static_cast<int>(axes.size());
  if (o.mode == InterpolationMode::area) {
    Shape size;
    for (const Axis& axis : axes) size.push_back(axis.out);
    return dims == 1   ? adaptive_avg_pool1d(x, size)
           : dims == 2 ? adaptive_avg_pool2d(x, size)
                       : adaptive_avg_pool3d(x, size);
  }
  const bool is_nearest = o.mode == InterpolationMode::nearest || o.mode == InterpolationMode::nearest_exact;
  if (!is_nearest) ops::check_floating(operation, x);
  Tensor y = is_nearest ? x : x.to(ops::compute_type(x.dtype()));
  for (int d = dims - 1; d >= 0; --d) {
    const Axis& axis = axes[static_cast<std::size_t>(d)];
    y = is_nearest ? nearest(y, d + 2, axis, o.mode == InterpolationMode::nearest_exact)
                   : resampled(y, d + 2, axis, o);
  }
  return y.is_same(x) ? x.clone() : y.to(x.dtype());
}

}  // namespace mica
