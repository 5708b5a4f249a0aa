// Sums, products, means, norms, extrema. Without dimensions over all elements; with dimensions over those
// (negative ones count from the end), which `keepdim` keeps with size 1. Most are the free functions of the
// members of Tensor with the same names. bf16 and f16 are computed in f32.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// --- sums and products ---

// Integers and bool give i64.
inline Tensor sum(const Tensor& x) { return x.sum(); }
inline Tensor sum(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.sum(dims, keepdim); }
inline Tensor prod(const Tensor& x) { return x.prod(); }
inline Tensor prod(const Tensor& x, std::int64_t dim, bool keepdim = false) { return x.prod(dim, keepdim); }
// NaN counts as 0.
Tensor nansum(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
// log(sum(exp(x))) without overflow. Integers give f32. Of nothing, or of -inf only: -inf, with gradient 0.
inline Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false) {
  return x.logsumexp(dims, keepdim);
}

// --- means and spreads: floating point only ---

// The mean of nothing is NaN.
inline Tensor mean(const Tensor& x) { return x.mean(); }
inline Tensor mean(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.mean(dims, keepdim); }
// Of the elements that are not NaN.
Tensor nanmean(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
// sum((x - mean)^2) / max(0, n - correction): correction 1 is Bessel's, as torch.var's default; 0 gives the
// variance of a population (unbiased=False). std is the square root, with gradient 0 where it is 0.
inline Tensor var(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false) {
  return x.var(dims, correction, keepdim);
}
inline Tensor std(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false) {
  return x.std(dims, correction, keepdim);
}
struct VarMean {
  Tensor var, mean;
};
VarMean var_mean(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);
struct StdMean {
  Tensor std, mean;
};
StdMean std_mean(const Tensor& x, const Shape& dims = {}, double correction = 1, bool keepdim = false);

// The p-norm (torch.linalg.vector_norm): sum(|x|^p)^(1/p). p = inf and -inf give the largest and the smallest
// |x|, p = 0 the number of elements that are not 0. The gradient is 0 where it does not exist: at the norm 0.
// Errors: not floating point; p infinite and nothing to reduce.
inline Tensor norm(const Tensor& x, double p = 2) { return x.norm(p); }
inline Tensor norm(const Tensor& x, double p, const Shape& dims, bool keepdim = false) {
  return x.norm(p, dims, keepdim);
}

// --- extrema: NaN wins. Errors: nothing to reduce ---

// Equal extrema share the gradient of max(), min(), amax() and amin(); of max(dim) and min(dim) the one at
// `indices` gets it.
inline Tensor max(const Tensor& x) { return x.max(); }
inline Tensor min(const Tensor& x) { return x.min(); }
inline ValuesIndices max(const Tensor& x, std::int64_t dim, bool keepdim = false) {
  return x.max(dim, keepdim);
}
inline ValuesIndices min(const Tensor& x, std::int64_t dim, bool keepdim = false) {
  return x.min(dim, keepdim);
}
inline Tensor amax(const Tensor& x, const Shape& dims = {}, bool keepdim = false) {
  return x.amax(dims, keepdim);
}
inline Tensor amin(const Tensor& x, const Shape& dims = {}, bool keepdim = false) {
  return x.amin(dims, keepdim);
}
struct MinMax {
  Tensor min, max;
};
MinMax aminmax(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
inline Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false) {
  return x.argmax(dim, keepdim);
}
inline Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false) {
  return x.argmin(dim, keepdim);
}

// --- logic: bool; of nothing, any is false and all is true ---

inline Tensor any(const Tensor& x) { return x.any(); }
inline Tensor any(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.any(dims, keepdim); }
inline Tensor all(const Tensor& x) { return x.all(); }
inline Tensor all(const Tensor& x, const Shape& dims, bool keepdim = false) { return x.all(dims, keepdim); }

}  // namespace mica
