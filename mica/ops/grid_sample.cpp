#include <array>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/grid_sample.h>
#include <mica/ops/join.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/rounding.h>

namespace mica {

namespace {

// Positions in [0, n): the padding's way in from outside. As in PyTorch the outermost positions have no
// gradient.
Tensor inside(const Tensor& position, std::int64_t n, const GridSampleOptions& o) {
  if (o.padding_mode == GridPadding::zeros) return position;
  Tensor p = position;
  if (o.padding_mode == GridPadding::reflection) {
    const double low = o.align_corners ? 0 : -0.5;
    const auto span = static_cast<double>(o.align_corners ? n - 1 : n);
    if (span == 0) return mul(position, 0);
    const Tensor distance = abs(p - low);
    const Tensor flips = floor(distance.detach() / span);
    const Tensor rest = distance - flips * span;
    p = where(eq(remainder(flips, 2), 0), rest + low, span - rest + low);
  }
  const auto last = static_cast<double>(n - 1);
  return where(logical_and(gt(p, 0), lt(p, last)), p, p.detach().clamp(0, last));
}

// One of the elements that a sample is made of: for each dimension a position, whole numbers without
// gradients, and a weight, undefined for 1.
struct Tap {
  std::vector<Tensor> position, weight;
};

// weight * x[position], 0 where that is outside. x: (N, C, places), positions and weights (N, samples).
Tensor read(const Tensor& x, const Shape& size, const Tap& tap) {
  Tensor in_image, index, weight;
  for (std::size_t d = 0; d < tap.position.size(); ++d) {
    const Tensor& p = tap.position[d];
    const auto n = size[static_cast<int>(d)];
    const Tensor fits = logical_and(ge(p, 0), le(p, n - 1));  // not NaN
    in_image = in_image.defined() ? logical_and(in_image, fits) : fits;
    // Numbers that are too large for an index are not in the image.
    const Tensor whole = where(fits, p, 0).to(i64);
    index = index.defined() ? index * n + whole : whole;
    if (tap.weight.empty()) continue;
    weight = weight.defined() ? weight * tap.weight[d] : tap.weight[d];
  }
  index = where(in_image, index, 0).unsqueeze(1).expand({x.size(0), x.size(1), index.size(1)});
  const Tensor mask = in_image.unsqueeze(1);
  Tensor y = x.gather(2, index);
  if (weight.defined()) y = y * where(mask, weight.unsqueeze(1), 0);
  return where(mask, y, 0);
}

// Taps for all combinations of the ways in which each dimension can go. choices[d]: pairs of position and
// weight.
using Choices = std::vector<std::vector<std::pair<Tensor, Tensor>>>;
Tensor sum_of_taps(const Tensor& x, const Shape& size, const Choices& choices) {
  std::size_t count = 1;
  for (const auto& ways : choices) count *= ways.size();
  Tensor y;
  for (std::size_t i = 0; i < count; ++i) {
    Tap tap;
    std::size_t rest = i;
    for (const auto& ways : choices) {
      const auto& [position, weight] = ways[rest % ways.size()];
      rest /= ways.size();
      tap.position.push_back(position);
      tap.weight.push_back(weight);
    }
    const Tensor part = read(x, size, tap);
    y = y.defined() ? y + part : part;
  }
  return y;
}

// Keys' cubic with a = -0.75, inside one element of the middle and beyond.
Tensor cubic_inner(const Tensor& t) { return (t * 1.25 - 2.25) * t * t + 1; }
Tensor cubic_outer(const Tensor& t) { return ((t * -0.75 + 3.75) * t - 6) * t + 3; }

void check(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  const auto fail = [&](const char* what, const char* hint) {
    throw Error("grid_sample",
                fmt::format("{} (input {}, grid {})", what, to_string(x.sizes()), to_string(grid.sizes())),
                hint);
  };
  ops::check_floating("grid_sample", x);
  ops::check_same_dtype("grid_sample", x, "the input", grid, "the grid");
  const std::int64_t dims = x.dim() - 2;
  if (dims != 2 && dims != 3)
    fail("expected an input of 4 or 5 dimensions", "(N, C, H, W) or (N, C, D, H, W)");
  if (grid.dim() != x.dim() || grid.size(-1) != dims || grid.size(0) != x.size(0))
    fail("the grid does not fit the input", "(N, H, W, 2) for planes, (N, D, H, W, 3) for volumes");
  for (int d = 2; d < x.dim(); ++d)
    if (x.size(d) == 0) fail("an empty image", "there is nothing to sample");
  if (o.mode != InterpolationMode::bilinear && o.mode != InterpolationMode::nearest &&
      o.mode != InterpolationMode::bicubic)
    fail("a mode that it does not have", "it has bilinear, nearest and bicubic");
  if (o.mode == InterpolationMode::bicubic && dims != 2) fail("bicubic for a volume", "only planes have it");
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(grid_sample, x, grid, o);
  check(x, grid, o);
  if (ops::compute_type(x.dtype()) != x.dtype()) return grid_sample(x.to(f32), grid.to(f32), o).to(x.dtype());
  const auto dims = static_cast<int>(x.dim() - 2);
  Shape size, out = {x.size(0), x.size(1)};
  for (int d = 0; d < dims; ++d) {
    size.push_back(x.size(d + 2));
    out.push_back(grid.size(d + 1));
  }
  const Tensor flat = x.flatten(2);
  std::vector<Tensor> positions;  // of the first dimension first
  for (int d = 0; d < dims; ++d) {
    const Tensor at = grid.select(-1, dims - 1 - d).flatten(1);
    const auto n = static_cast<double>(size[d]);
    positions.push_back(o.align_corners ? (at + 1) * ((n - 1) / 2) : ((at + 1) * n - 1) / 2);
  }
  if (o.mode == InterpolationMode::nearest) {
    Tap tap;
    for (int d = 0; d < dims; ++d)
      tap.position.push_back(round(inside(positions[static_cast<std::size_t>(d)], size[d], o).detach()));
    return read(flat, size, tap).view(out);
  }
  Choices choices;
  for (int d = 0; d < dims; ++d) {
    const bool cubic = o.mode == InterpolationMode::bicubic;
    const Tensor& given = positions[static_cast<std::size_t>(d)];
    const Tensor p = cubic ? given : inside(given, size[d], o);
    const Tensor first = floor(p.detach());
    const Tensor t = p - first;
    if (!cubic) {
      choices.push_back({{first, 1 - t}, {first + 1, t}});
      continue;
    }
    const auto at = [&](int step) { return round(inside(first + step, size[d], o)); };
    choices.push_back({{at(-1), cubic_outer(t + 1)},
                       {at(0), cubic_inner(t)},
                       {at(1), cubic_inner(1 - t)},
                       {at(2), cubic_outer(2 - t)}});
  }
  return sum_of_taps(flat, size, choices).view(out);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
  // In torch the product in it is in bf16, which cannot tell the pixels of a large image apart.
  if (autocast_enabled()) return ops::autocast_off(affine_grid, theta, size, align_corners);
  ops::check_floating("affine_grid", theta);
  const int dims = size.size() - 2;
  if ((dims != 2 && dims != 3) || theta.sizes() != Shape{size[0], dims, dims + 1}) {
    throw Error("affine_grid", fmt::format("theta {} for size {}", to_string(theta.sizes()), to_string(size)),
                "(N, 2, 3) for (N, C, H, W), (N, 3, 4) for (N, C, D, H, W)");
  }
  const DType type = ops::compute_type(theta.dtype());
  Shape out;
  for (int d = 0; d < dims; ++d) {
    if (size[d + 2] < 1)
      throw Error("affine_grid", fmt::format("size {}", to_string(size)), "it must not be empty");
    out.push_back(size[d + 2]);
  }
  std::vector<Tensor> columns;  // x, y, z, 1
  for (int d = dims - 1; d >= 0; --d) {
    const std::int64_t n = out[d];
    Tensor along = n > 1 ? linspace(-1, 1, n, type) : zeros(Shape(1), type);
    if (!align_corners) along = along * (static_cast<double>(n - 1) / static_cast<double>(n));
    Shape view = Shape::filled(dims, 1);
    view[d] = n;
    columns.push_back(along.view(view).expand(out));
  }
  columns.push_back(ones(out, type));
  const Tensor base = stack(columns, dims).view({1, out.numel(), dims + 1});
  Shape sizes = out;
  sizes.insert(0, size[0]);
  sizes.push_back(dims);
  return matmul(base, theta.to(type).transpose(1, 2)).view(sizes).to(theta.dtype());
}

}  // namespace mica
