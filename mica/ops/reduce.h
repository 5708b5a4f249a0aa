// Sums, means, extrema. Without dimensions over all elements; with dimensions over those (negative ones count
// from the end), which `keepdim` keeps with size 1. Free functions of the members of Tensor with the same
// names.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Integers and bool give i64.
inline Tensor sum(const Tensor& x) { return x.sum(); }
inline Tensor sum(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.sum(dims, keepdim); }
// Floating point only; the mean of nothing is NaN.
inline Tensor mean(const Tensor& x) { return x.mean(); }
inline Tensor mean(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.mean(dims, keepdim); }
// sum((x - mean)^2) / max(0, n - correction): correction 1 is Bessel's, as torch.var's default.
inline Tensor var(const Tensor& x, const Shape& dims, double correction = 1, bool keepdim = false) {
  return x.var(dims, correction, keepdim);
}
inline Tensor std(const Tensor& x, const Shape& dims, double correction = 1, bool keepdim = false) {
  return x.std(dims, correction, keepdim);
}
// Equal extrema share the gradient of max() and min(); of max(dim) and min(dim) the one at `indices` gets it.
// Errors: nothing to reduce.
inline Tensor max(const Tensor& x) { return x.max(); }
inline Tensor min(const Tensor& x) { return x.min(); }
inline Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false) {
  return x.argmax(dim, keepdim);
}
inline Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false) {
  return x.argmin(dim, keepdim);
}
// bool; of nothing: any is false, all is true.
inline Tensor any(const Tensor& x) { return x.any(); }
inline Tensor all(const Tensor& x) { return x.all(); }

}  // namespace mica
