#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

namespace mica {

using kernels::Binary;
using kernels::Compare;

namespace {

const char* name_of(Compare op) {
  constexpr const char* names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  return names[static_cast<std::size_t>(op)];
}

Tensor compare(Compare op, const Tensor& a, const Tensor& b) {
  const DType type = ops::compute_type(ops::result_type(a, b));
  const Tensor x = a.dtype() == type ? a : ops::convert(a, type);
  const Tensor z = b.dtype() == type ? b : ops::convert(b, type);
  const Shape sizes = broadcast_shapes(x.sizes(), z.sizes(), name_of(op));
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

namespace {

// Bits of two tensors, logic for bool.
Tensor bits(Binary op, const Tensor& a, const Tensor& b) {
  return ops::binary(op, a, b, ops::result_type(a, b));
}

Tensor bitwise(const char* operation, Binary op, const Tensor& a, const Tensor& b) {
  for (const Tensor* x : {&a, &b}) {
    if (!x->is_floating_point()) continue;
    throw Error(operation, fmt::format("defined for integers and bool, got {}", name(x->dtype())),
                "compare first (x > 0), or convert: x.to(i64)");
  }
  return bits(op, a, b);
}

// Both as bool. Errors: shapes that do not match, named after the operation.
Tensor logical(const char* operation, Binary op, const Tensor& a, const Tensor& b) {
  broadcast_shapes(a.sizes(), b.sizes(), operation);
  return bits(op, as_bool(a), as_bool(b));
}

}  // namespace

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return logical("logical_and", Binary::bitwise_and, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return logical("logical_or", Binary::bitwise_or, a, b);
}
Tensor logical_xor(const Tensor& a, const Tensor& b) {
  return logical("logical_xor", Binary::bitwise_xor, a, b);
}
Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_and", Binary::bitwise_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_or", Binary::bitwise_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_xor", Binary::bitwise_xor, a, b);
}
Tensor bitwise_not(const Tensor& x) {
  const Scalar ones = x.dtype() == boolean ? Scalar(true) : Scalar(-1);
  return bitwise("bitwise_not", Binary::bitwise_xor, x, full({}, ones, x.dtype()));
}
Tensor logical_not(const Tensor& x) { return eq(as_bool(x), false); }
Tensor isnan(const Tensor& x) { return ne(x, x); }
Tensor isinf(const Tensor& x) {
  const NoGrad no_grad;
  return eq(x.dtype() == boolean ? x.to(u8) : abs(x), std::numeric_limits<double>::infinity());
}
Tensor isfinite(const Tensor& x) {
  if (!x.is_floating_point()) return eq(x, x);
  const NoGrad no_grad;
  return lt(abs(x), std::numeric_limits<double>::infinity());
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() && all(eq(a, b)).item<bool>();
}

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  const NoGrad no_grad;
  broadcast_shapes(a.sizes(), b.sizes(), "isclose");
  const Tensor x = ops::convert(a, f64);
  const Tensor z = ops::convert(b, f64);
  const Tensor same = eq(x, z);
  // An infinite difference is never within an infinite tolerance.
  const Tensor finite = logical_and(isfinite(x), isfinite(z));
  const Tensor close = logical_or(same, logical_and(finite, le(abs(x - z), abs(z) * rtol + atol)));
  return equal_nan ? logical_or(close, logical_and(isnan(x), isnan(z))) : close;
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return all(isclose(a, b, rtol, atol, equal_nan)).item<bool>();
}

Tensor Tensor::eq(const Tensor& other) const { return mica::eq(*this, other); }
Tensor Tensor::ne(const Tensor& other) const { return mica::ne(*this, other); }
Tensor Tensor::lt(const Tensor& other) const { return mica::lt(*this, other); }
Tensor Tensor::le(const Tensor& other) const { return mica::le(*this, other); }
Tensor Tensor::gt(const Tensor& other) const { return mica::gt(*this, other); }
Tensor Tensor::ge(const Tensor& other) const { return mica::ge(*this, other); }
Tensor Tensor::eq(Scalar other) const { return mica::eq(*this, other); }
Tensor Tensor::ne(Scalar other) const { return mica::ne(*this, other); }
Tensor Tensor::lt(Scalar other) const { return mica::lt(*this, other); }
Tensor Tensor::le(Scalar other) const { return mica::le(*this, other); }
Tensor Tensor::gt(Scalar other) const { return mica::gt(*this, other); }
Tensor Tensor::ge(Scalar other) const { return mica::ge(*this, other); }
Tensor Tensor::isnan() const { return mica::isnan(*this); }
Tensor Tensor::isinf() const { return mica::isinf(*this); }
Tensor Tensor::isfinite() const { return mica::isfinite(*this); }
Tensor Tensor::logical_not() const { return mica::logical_not(*this); }

}  // namespace mica
