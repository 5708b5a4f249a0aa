#include <cstdint>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/loops.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/compare.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// Each gives the byte of a bool. Comparisons with NaN are false, but for `ne`.
struct Equal {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a != b; }
};
struct Less {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a <= b; }
};
struct Greater {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a > b; }
};
struct GreaterEqual {
  template <class T> HWY_INLINE std::uint8_t operator()(T a, T b) const { return a >= b; }
};

template <class T> RowKernel comparison(Compare op) {
  switch (op) {
    case Compare::eq: return loop_binary<std::uint8_t, T, Equal>;
    case Compare::ne: return loop_binary<std::uint8_t, T, NotEqual>;
    case Compare::lt: return loop_binary<std::uint8_t, T, Less>;
    case Compare::le: return loop_binary<std::uint8_t, T, LessEqual>;
    case Compare::gt: return loop_binary<std::uint8_t, T, Greater>;
    case Compare::ge: return loop_binary<std::uint8_t, T, GreaterEqual>;
  }
  return nullptr;
}

// out[i] = condition[i] ? a[i] : b[i], on the bits.
template <class T> void select_row(const Row& row) {
  const auto* condition = static_cast<const std::uint8_t*>(row.in[0]);
  const T* a = static_cast<const T*>(row.in[1]);
  const T* b = static_cast<const T*>(row.in[2]);
  T* out = static_cast<T*>(row.out);
  const std::int64_t count = row.count;
  MICA_VECTORIZE
  for (std::int64_t i = 0; i < count; ++i) {
    const T yes = a[i];  // read both, so that no branch is needed
    const T no = b[i];
    out[i] = condition[i] != 0 ? yes : no;
  }
}

}  // namespace

static RowKernel compare_kernel(Compare op, DType dtype) {
  switch (dtype) {
    case DType::f32: return comparison<float>(op);
    case DType::f64: return comparison<double>(op);
    case DType::i64: return comparison<std::int64_t>(op);
    case DType::i32: return comparison<std::int32_t>(op);
    case DType::u8:
    case DType::boolean: return comparison<std::uint8_t>(op);
    case DType::bf16:
    case DType::f16: return nullptr;
  }
  return nullptr;
}

static RowKernel select_kernel(DType dtype) {
  switch (item_size(dtype)) {
    case 1: return select_row<std::uint8_t>;
    case 2: return select_row<std::uint16_t>;
    case 4: return select_row<std::uint32_t>;
    default: return select_row<std::uint64_t>;
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {
namespace {
HWY_EXPORT(compare_kernel);
HWY_EXPORT(select_kernel);
}  // namespace

void compare(Compare op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out) {
  const RowKernel kernel = HWY_DYNAMIC_DISPATCH(compare_kernel)(op, dtype);
  if (kernel == nullptr) {
    throw Error("compare", fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
  }
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  for_each_row(sizes, {{a.data, a.strides, item}, {b.data, b.strides, item}}, {out.data, out.strides, 1},
               {.kernel = kernel, .scalars_allowed = 3});
}

void where(DType dtype, const Shape& sizes, const In& condition, const In& a, const In& b, const Out& out) {
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  for_each_row(sizes,
               {{condition.data, condition.strides, 1}, {a.data, a.strides, item}, {b.data, b.strides, item}},
               {out.data, out.strides, item}, {.kernel = HWY_DYNAMIC_DISPATCH(select_kernel)(dtype)});
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
