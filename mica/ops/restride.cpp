#include <algorithm>

#include <mica/kernels/strided.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/restride.h>

namespace mica::ops {

Geometry geometry_of(const Tensor& x) { return {x.sizes(), x.strides(), x.storage_offset()}; }

Geometry contiguous_geometry(const Shape& sizes) { return {sizes, contiguous_strides(sizes), 0}; }

namespace {

// The first and the last element that a view reaches; strides are not negative.
std::int64_t last_of(const Geometry& g) {
  std::int64_t last = g.offset;
  for (int i = 0; i < g.sizes.size(); ++i) last += (g.sizes[i] - 1) * g.strides[i];
  return last;
}

}  // namespace

Tensor restride(const Tensor& x, const Geometry& from, const Geometry& to) {
  if (x.numel() == 0 || to.sizes.numel() == 0) {
    Tensor y = zeros(to.sizes, x.dtype());
    if (!autograd::recording(x)) return y;
    return autograd::record("restride", y, {&x},
                            [from, to](const Node&, const Tensor& grad) { return restride(grad, to, from); });
  }
  // Only the part of the memory that both views cover needs to exist.
  const std::int64_t first = std::min(from.offset, to.offset);
  const std::int64_t last = std::max(last_of(from), last_of(to));
  const Tensor memory = zeros(Shape(last - first + 1), x.dtype());
  const Tensor target = alias(memory, from.sizes, from.strides, from.offset - first);
  if (kernels::may_overlap(from.sizes, from.strides))
    kernels::accumulate(x.dtype(), from.sizes, in(x), out(target));
  else
    kernels::convert(from.sizes, x.dtype(), in(x), x.dtype(), out(target));
  Tensor y = alias(memory, to.sizes, to.strides, to.offset - first);
  if (kernels::may_overlap(to.sizes, to.strides)) y = y.contiguous();  // nobody may write to shared elements
  y.impl()->is_view = false;                                           // nobody else sees the memory
  if (!autograd::recording(x)) return y;
  return autograd::record("restride", y, {&x},
                          [from, to](const Node&, const Tensor& grad) { return restride(grad, to, from); });
}

}  // namespace mica::ops
