// Cumulative sums, products and extrema along a dimension.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Integers and bool give i64. bf16 and f16 are computed in f32.
inline Tensor cumsum(const Tensor& x, std::int64_t dim) { return x.cumsum(dim); }
inline Tensor cumprod(const Tensor& x, std::int64_t dim) { return x.cumprod(dim); }
// log(cumsum(exp(x))) without overflow. Errors: not floating point.
Tensor logcumsumexp(const Tensor& x, std::int64_t dim);

// The extrema so far and where they were: the last of equal ones; NaN wins, the last one. The elements at
// `indices` get the gradient.
ValuesIndices cummax(const Tensor& x, std::int64_t dim);
ValuesIndices cummin(const Tensor& x, std::int64_t dim);

}  // namespace mica
