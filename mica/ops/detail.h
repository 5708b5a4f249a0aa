// What operations share: type promotion, where results go, and the way to the kernels.
#pragma once

#include <mica/autograd/node.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/norm.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/tensor.h>

namespace mica::ops {

// PyTorch's promotion of two dtypes: f64 > f32 > (bf16, f16) > i64 > i32 > u8 > bool; bf16 with f16 gives
// f32.
DType promote(DType a, DType b);
// The same for tensors and numbers: those without dimensions count only by their kind (boolean, integer,
// floating).
DType result_type(const Tensor& a, const Tensor& b);
DType result_type(const Tensor& a, Scalar b);
// The dtype to compute in: f32 for bf16 and f16, else itself.
inline DType compute_type(DType t) { return t == bf16 || t == f16 ? f32 : t; }
// The dtype of functions that have no integer results (exp, sigmoid, division): f32 for integers and bool.
inline DType floating_type(DType t) { return is_floating_point(t) ? t : f32; }

// Kernel arguments. The input's strides are broadcast to `sizes`.
kernels::In in(const Tensor& x, const Shape& sizes);
inline kernels::In in(const Tensor& x) {
  const TensorImpl& impl = x.checked_impl();
  return {impl.data(), impl.strides};
}
inline kernels::Out out(const Tensor& x) {
  const TensorImpl& impl = x.checked_impl();
  return {impl.data(), impl.strides};
}

// A number as a kernel argument without dimensions.
class ScalarIn {
 public:
  ScalarIn(Scalar value, DType dtype);
  // Broadcast to `rank` dimensions. Valid as long as this object.
  kernels::In in(int rank) const { return {bytes_, Shape::filled(rank, 0)}; }

 private:
  alignas(8) std::byte bytes_[8] = {};
};

// May an operation write its result into an argument's memory? Only for arguments taken by value, and only
// when backward does not need them; it then happens if the argument was a temporary: the only handle, the
// only reference to the storage, dense, and not a leaf that wants a gradient.
enum class Reuse : bool { no, yes };
bool reusable(const Tensor& x);
// A new tensor over the memory of a reusable one, without its history.
Tensor reuse_memory(const Tensor& x);

// Results without history.
Tensor unary(kernels::Unary op, const Tensor& x, DType result, Reuse reuse = Reuse::no, double parameter = 0);
Tensor binary(kernels::Binary op, const Tensor& a, const Tensor& b, DType result, Reuse reuse = Reuse::no);
Tensor binary(kernels::Binary op, const Tensor& a, Scalar b, DType result, Reuse reuse = Reuse::no);
Tensor binary(kernels::Binary op, Scalar a, const Tensor& b, DType result, Reuse reuse = Reuse::no);
Tensor ternary(kernels::Ternary op, const Tensor& a, const Tensor& b, const Tensor& c, double value,
               DType result);
Tensor convert(const Tensor& x, DType dtype);

// Errors: not floating point, named after the operation.
void check_floating(const char* operation, const Tensor& x);
// Errors: dtypes that differ, named after the operation.
void check_same_dtype(const char* operation, const Tensor& a, const char* a_name, const Tensor& b,
                      const char* b_name);

// How a tensor (N, C, ...) lies in memory, and the tensor in a layout that kernels take (a copy if it is in
// neither).
bool is_channels_last(const Tensor& x);
Tensor empty_channels_last(const Shape& sizes, DType dtype);
Tensor to_channels_last(const Tensor& x);
// x without history in a layout, copied if it lies otherwise, and a new tensor in one.
Tensor arranged(const Tensor& x, kernels::Layout layout);
Tensor empty_arranged(const Shape& sizes, DType dtype, kernels::Layout layout);

}  // namespace mica::ops
