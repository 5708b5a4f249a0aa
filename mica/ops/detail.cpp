#include <cstring>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/detail.h>

namespace mica::ops {

DType promote(DType a, DType b) {
  if (a == b) return a;
  const auto rank = [](DType t) {
    switch (t) {
      case f64: return 7;
      case f32: return 6;
      case bf16:
      case f16: return 5;
      case i64: return 3;
      case i32: return 2;
      case u8: return 1;
      case boolean: return 0;
    }
    return 0;
  };
  if (rank(a) == rank(b)) return f32;  // bf16 with f16
  return rank(a) > rank(b) ? a : b;
}

namespace {
int category(DType t) { return is_floating_point(t) ? 2 : is_integral(t) ? 1 : 0; }

// `strong` has dimensions, `weak` has none: the weak one decides only if its kind is higher.
DType promote_weak(DType strong, DType weak) {
  return category(weak) > category(strong) ? promote(strong, weak) : strong;
}
}  // namespace

DType result_type(const Tensor& a, const Tensor& b) {
  const TensorImpl& x = a.checked_impl();
  const TensorImpl& y = b.checked_impl();
  if (x.sizes.empty() == y.sizes.empty()) return promote(x.dtype, y.dtype);
  return x.sizes.empty() ? promote_weak(y.dtype, x.dtype) : promote_weak(x.dtype, y.dtype);
}

DType result_type(const Tensor& a, Scalar b) {
  return promote_weak(a.dtype(), b.kind() == f64 ? f32 : b.kind());
}

kernels::In in(const Tensor& x, const Shape& sizes) {
  const TensorImpl& impl = x.checked_impl();
  if (impl.sizes == sizes) return {impl.data(), impl.strides};
  const Shape& own = impl.sizes;
  Shape strides = Shape::filled(sizes.size(), 0);
  const int lead = sizes.size() - own.size();
  for (int i = 0; i < own.size(); ++i) {
    if (own[i] != 1) strides[lead + i] = impl.strides[i];
  }
  return {impl.data(), strides};
}

ScalarIn::ScalarIn(Scalar value, DType dtype) {
  dispatch(dtype, [&]<class T>() {
    T converted;
    if constexpr (std::is_same_v<T, bool>)
      converted = value.to_double() != 0;
    else if constexpr (std::is_integral_v<T>)
      converted = static_cast<T>(value.to_int());
    else if constexpr (std::is_same_v<T, double>)
      converted = value.to_double();
    else
      converted = T(static_cast<float>(value.to_double()));
    std::memcpy(bytes_, &converted, sizeof converted);
  });
}

bool reusable(const Tensor& x) {
  const auto& impl = x.impl();
  return impl.unique() && impl->storage.unique() && !impl->requires_grad && !impl->storage->foreign &&
         (impl->contiguous || is_dense(impl->sizes, impl->strides));
}

Tensor reuse_memory(const Tensor& x) {
  Tensor y = x.detach();
  y.impl()->is_view = false;  // nobody else is left to see the memory
  return y;
}

Tensor convert(const Tensor& x, DType dtype) {
  const bool dense = is_dense(x.sizes(), x.strides());
  Tensor y = empty_strided(x.sizes(), dense ? x.strides() : contiguous_strides(x.sizes()), dtype);
  kernels::convert(x.sizes(), x.dtype(), in(x), dtype, out(y));
  return y;
}

namespace {

// An operand in the dtype to compute in; a conversion makes a temporary whose memory may be reused.
struct Operand {
  Tensor converted;
  const Tensor& x;
  bool may_reuse;
  Operand(const Tensor& given, DType type, Reuse reuse)
      : converted(given.dtype() == type ? Tensor() : convert(given, type)),
        x(converted.defined() ? converted : given),
        may_reuse((converted.defined() || reuse == Reuse::yes) && reusable(x)) {}
};

Tensor result_like(const Operand& a) { return a.may_reuse ? reuse_memory(a.x) : empty_like(a.x); }

// The result of two broadcast operands: in the memory of a temporary, else in the memory order of the
// full-size one.
Tensor result_like(const Operand& a, const Operand& b, const Shape& sizes) {
  for (const Operand* operand : {&a, &b}) {
    if (operand->may_reuse && operand->x.sizes() == sizes) return reuse_memory(operand->x);
  }
  if (!a.x.is_contiguous() || !b.x.is_contiguous()) {
    for (const Operand* operand : {&a, &b}) {
      if (operand->x.sizes() == sizes) return empty_like(operand->x);
    }
  }
  return empty(sizes, a.x.dtype());
}

const char* name_of(kernels::Binary op) {
  constexpr const char* names[] = {"add",        "sub",         "mul",   "div",   "maximum",  "minimum",
                                   "pow",        "remainder",   "fmod",  "div",   "div",      "bitwise_and",
                                   "bitwise_or", "bitwise_xor", "atan2", "hypot", "logaddexp"};
  const auto i = static_cast<std::size_t>(op);
  return i < std::size(names) ? names[i] : "backward";
}

Tensor finish(Tensor y, DType result) { return y.dtype() == result ? y : convert(y, result); }

}  // namespace

Tensor unary(kernels::Unary op, const Tensor& x, DType result, Reuse reuse, double parameter) {
  const DType type = compute_type(result);
  const Operand a(x, type, reuse);
  Tensor y = result_like(a);
  kernels::unary(op, type, a.x.sizes(), in(a.x), out(y), parameter);
  return finish(std::move(y), result);
}

Tensor binary(kernels::Binary op, const Tensor& a, const Tensor& b, DType result, Reuse reuse) {
  const DType type = compute_type(result);
  const Operand left(a, type, reuse);
  const Operand right(b, type, reuse);
  const Shape sizes = broadcast_shapes(a.sizes(), b.sizes(), name_of(op));
  Tensor y = result_like(left, right, sizes);
  kernels::binary(op, type, sizes, in(left.x, sizes), in(right.x, sizes), out(y));
  return finish(std::move(y), result);
}

Tensor binary(kernels::Binary op, const Tensor& a, Scalar b, DType result, Reuse reuse) {
  const DType type = compute_type(result);
  const Operand left(a, type, reuse);
  const ScalarIn scalar(b, type);
  Tensor y = result_like(left);
  kernels::binary(op, type, a.sizes(), in(left.x), scalar.in(a.sizes().size()), out(y));
  return finish(std::move(y), result);
}

Tensor binary(kernels::Binary op, Scalar a, const Tensor& b, DType result, Reuse reuse) {
  const DType type = compute_type(result);
  const Operand right(b, type, reuse);
  const ScalarIn scalar(a, type);
  Tensor y = result_like(right);
  kernels::binary(op, type, b.sizes(), scalar.in(b.sizes().size()), in(right.x), out(y));
  return finish(std::move(y), result);
}

Tensor ternary(kernels::Ternary op, const Tensor& a, const Tensor& b, const Tensor& c, double value,
               DType result) {
  constexpr const char* names[] = {"addcmul", "addcdiv", "lerp"};
  const char* name = names[static_cast<std::size_t>(op)];
  const DType type = compute_type(result);
  const Operand x(a, type, Reuse::no);
  const Operand y(b, type, Reuse::no);
  const Operand z(c, type, Reuse::no);
  const Shape sizes = broadcast_shapes(x.x.sizes(), broadcast_shapes(y.x.sizes(), z.x.sizes(), name), name);
  Tensor out_tensor = result_like(x, y, sizes);
  kernels::ternary(op, type, sizes, in(x.x, sizes), in(y.x, sizes), in(z.x, sizes), value, out(out_tensor));
  return finish(std::move(out_tensor), result);
}

void check_floating(const char* operation, const Tensor& x) {
  if (x.is_floating_point()) return;
  throw Error(operation, fmt::format("defined for floating-point tensors only, got {}", name(x.dtype())),
              "convert it: x.to(f32)");
}

void check_same_dtype(const char* operation, const Tensor& a, const char* a_name, const Tensor& b,
                      const char* b_name) {
  if (a.dtype() == b.dtype()) return;
  throw Error(operation, fmt::format("{} is {}, {} is {}", a_name, name(a.dtype()), b_name, name(b.dtype())),
              fmt::format("convert one of them: x.to({})", name(b.dtype())));
}

namespace {
Shape channels_last_strides(const Shape& s) {
  Shape strides = Shape::filled(s.size(), 1);
  std::int64_t stride = s[1];
  for (int i = s.size() - 1; i >= 2; --i) {
    strides[i] = stride;
    stride *= s[i];
  }
  strides[0] = stride;
  return strides;
}
}  // namespace

bool is_channels_last(const Tensor& x) {
  const Shape& s = x.sizes();
  if (s.size() < 3) return false;
  const Shape wanted = channels_last_strides(s);
  for (int i = 0; i < s.size(); ++i) {
    if (s[i] != 1 && x.strides()[i] != wanted[i]) return false;
  }
  return true;
}

Tensor empty_channels_last(const Shape& sizes, DType dtype) {
  if (sizes.numel() == 0) return empty(sizes, dtype);
  return empty_strided(sizes, channels_last_strides(sizes), dtype);
}

Tensor to_channels_last(const Tensor& x) {
  if (is_channels_last(x)) return x;
  Tensor y = empty_channels_last(x.sizes(), x.dtype());
  kernels::convert(x.sizes(), x.dtype(), in(x), x.dtype(), out(y));
  return y;
}

Tensor arranged(const Tensor& x, kernels::Layout layout) {
  return layout == kernels::Layout::channels_last ? to_channels_last(x.detach()) : x.detach().contiguous();
}

Tensor empty_arranged(const Shape& sizes, DType dtype, kernels::Layout layout) {
  return layout == kernels::Layout::channels_last ? empty_channels_last(sizes, dtype) : empty(sizes, dtype);
}

}  // namespace mica::ops
