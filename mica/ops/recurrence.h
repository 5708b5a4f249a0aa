// Internal: differentiable scans in both directions, which each other's gradients are made of.
#pragma once

#include <mica/ops/detail.h>

namespace mica::ops {

enum class Direction : bool { forward, backward };
inline Direction opposite(Direction d) {
  return d == Direction::forward ? Direction::backward : Direction::forward;
}

// y[i] = x[i - 1] along dimension d (i + 1 if backward), and `edge` where there is none.
Tensor shifted(const Tensor& x, int d, Scalar edge, Direction direction);

// f32, f64 and i64.
Tensor cumsum(const Tensor& x, int d, Direction direction);
Tensor cumprod(const Tensor& x, int d, Direction direction);
// The product of those before x[i], without x[i].
Tensor cumprod_before(const Tensor& x, int d, Direction direction);
// y[i] = b[i] + a[i] * y[i - 1]; f32 and f64. Shapes: a and b the same.
Tensor recurrence(const Tensor& a, const Tensor& b, int d, Direction direction);

}  // namespace mica::ops
