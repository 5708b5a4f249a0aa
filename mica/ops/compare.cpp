#include <limits>

#include <mica/ops/compare.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

namespace mica {

using kernels::Compare;

namespace {

Tensor compare(Compare op, const Tensor& a, const Tensor& b) {
  const DType type = ops::compute_type(ops::result_type(a, b));
  const Tensor x = a.dtype() == type ? a : ops::convert(a, type);
  const Tensor z = b.dtype() == type ? b : ops::convert(b, type);
  const Shape sizes = broadcast_shapes(x.sizes(), z.sizes(), "compare");
  const bool keep_order = !x.is_contiguous() && x.sizes() == sizes && is_dense(sizes, x.strides());
  Tensor y = keep_order ? empty_strided(sizes, x.strides(), boolean) : empty(sizes, boolean);
  kernels::compare(op, type, sizes, ops::in(x, sizes), ops::in(z, sizes), ops::out(y));
  return y;
}

Tensor compare(Compare op, const Tensor& a, Scalar b) {
  const DType type = ops::compute_type(ops::result_type(a, b));
  const Tensor x = a.dtype() == type ? a : ops::convert(a, type);
  const bool dense = is_dense(x.sizes(), x.strides());
  Tensor y = dense ? empty_strided(x.sizes(), x.strides(), boolean) : empty(x.sizes(), boolean);
  const ops::ScalarIn scalar(b, type);
  kernels::compare(op, type, x.sizes(), ops::in(x), scalar.in(x.sizes().size()), ops::out(y));
  return y;
}

Tensor as_bool(const Tensor& x) { return x.dtype() == boolean ? x : ops::convert(x, boolean); }

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return compare(Compare::eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare(Compare::ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare(Compare::lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare(Compare::le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare(Compare::gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare(Compare::ge, a, b); }
Tensor eq(const Tensor& a, Scalar b) { return compare(Compare::eq, a, b); }
Tensor ne(const Tensor& a, Scalar b) { return compare(Compare::ne, a, b); }
Tensor lt(const Tensor& a, Scalar b) { return compare(Compare::lt, a, b); }
Tensor le(const Tensor& a, Scalar b) { return compare(Compare::le, a, b); }
Tensor gt(const Tensor& a, Scalar b) { return compare(Compare::gt, a, b); }
Tensor ge(const Tensor& a, Scalar b) { return compare(Compare::ge, a, b); }

// On 0 and 1, `and` is the smaller and `or` the larger.
Tensor logical_and(const Tensor& a, const Tensor& b) {
  return ops::binary(kernels::Binary::minimum, as_bool(a), as_bool(b), boolean);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return ops::binary(kernels::Binary::maximum, as_bool(a), as_bool(b), boolean);
}
Tensor logical_not(const Tensor& x) { return eq(as_bool(x), false); }
Tensor isnan(const Tensor& x) { return ne(x, x); }
Tensor isfinite(const Tensor& x) {
  if (!x.is_floating_point()) return eq(x, x);
  const NoGrad no_grad;
  return lt(abs(x), std::numeric_limits<double>::infinity());
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() && all(eq(a, b)).item<bool>();
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  const NoGrad no_grad;
  const Tensor x = ops::convert(a, f64);
  const Tensor z = ops::convert(b, f64);
  Tensor close = logical_or(eq(x, z), le(abs(x - z), abs(z) * rtol + atol));
  // An infinite difference is never within an infinite tolerance.
  close = logical_and(close, logical_or(eq(x, z), logical_and(isfinite(x), isfinite(z))));
  if (equal_nan) close = logical_or(close, logical_and(isnan(x), isnan(z)));
  return all(close).item<bool>();
}

Tensor Tensor::eq(const Tensor& other) const { return mica::eq(*this, other); }
Tensor Tensor::logical_not() const { return mica::logical_not(*this); }

}  // namespace mica
