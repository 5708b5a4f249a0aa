// Sorting and order statistics. NaN is greater than every number, and equal elements keep their order: every
// sort is stable. Gradients go to the chosen elements.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Sorted along `dim`, and where each element was (i64).
inline ValuesIndices sort(const Tensor& x, std::int64_t dim = -1, bool descending = false,
                          bool stable = false) {
  return x.sort(dim, descending, stable);
}
// The indices alone.
inline Tensor argsort(const Tensor& x, std::int64_t dim = -1, bool descending = false, bool stable = false) {
  return x.argsort(dim, descending, stable);
}
// The k largest or smallest elements along `dim`, always in order; of equal ones the first. Errors: k outside
// 0..size.
inline ValuesIndices topk(const Tensor& x, std::int64_t k, std::int64_t dim = -1, bool largest = true,
                          bool sorted = true) {
  return x.topk(k, dim, largest, sorted);
}
// The k-th smallest element along `dim`, k counting from 1. Errors: k outside 1..size.
ValuesIndices kthvalue(const Tensor& x, std::int64_t k, std::int64_t dim = -1, bool keepdim = false);

// The lower one of two in the middle. NaN if there is one; NaN of nothing. Without `dim` over all elements,
// and equal ones share the gradient. Errors: nothing to reduce along `dim`; no integers at all.
inline Tensor median(const Tensor& x) { return x.median(); }
inline ValuesIndices median(const Tensor& x, std::int64_t dim, bool keepdim = false) {
  return x.median(dim, keepdim);
}
// The same of the elements that are not NaN; NaN if there are none.
Tensor nanmedian(const Tensor& x);
ValuesIndices nanmedian(const Tensor& x, std::int64_t dim, bool keepdim = false);

// How a quantile that lies between two elements a < b is found: a + (b - a) * fraction, a, b, the nearest
// (the even position of two equally near), (a + b) / 2.
enum class Interpolation : std::uint8_t { linear, lower, higher, nearest, midpoint };
struct QuantileOptions {
  std::optional<std::int64_t> dim = {};  // absent: over all elements
  bool keepdim = false;
  Interpolation interpolation = Interpolation::linear;
};
// The q-th quantiles along a dimension; NaN where there is one. Shapes: q without dimensions gives the
// reduced shape, q of (m) puts m in front of it. Errors: q outside [0, 1] or of another dtype than x; x not
// floating point or empty.
Tensor quantile(const Tensor& x, const Tensor& q, const QuantileOptions& options = {});
Tensor quantile(const Tensor& x, double q, const QuantileOptions& options = {});

}  // namespace mica
