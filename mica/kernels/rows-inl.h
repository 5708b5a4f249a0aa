// Row kernels from operations on one vector, or on one element. Included once per Highway target, from a .cpp
// that uses foreach_target.h. An operation is a function object; on vectors it takes the tag first.
#if defined(MICA_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_ROWS_INL_H_
#undef MICA_KERNELS_ROWS_INL_H_
#else
#define MICA_KERNELS_ROWS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <hwy/highway.h>

#include <mica/kernels/loops.h>

// Vectorise the next loop although its arrays may be the same: an output aliases an input exactly or not at
// all.
#ifndef MICA_VECTORIZE
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"  // sanitizers may prevent it, harmlessly
#define MICA_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define MICA_VECTORIZE _Pragma("GCC ivdep")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first `count` lanes from memory, the others zero; count is less than a vector's lanes.
template <class D> HWY_INLINE hn::Vec<D> load_part(D d, const hn::TFromD<D>* from, std::size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)] = {};
  std::memcpy(lanes, from, count * sizeof(*from));
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#endif
}

template <class D> HWY_INLINE void store_part(hn::Vec<D> v, D d, hn::TFromD<D>* to, std::size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::Store(v, d, lanes);
  std::memcpy(to, lanes, count * sizeof(*to));
#else
  hn::BlendedStore(v, hn::FirstN(d, count), d, to);
#endif
}

// An operation may want the parameter of the row as its only member.
template <class Op> HWY_INLINE Op make_operation(const Row& row) {
  if constexpr (std::is_empty_v<Op>) {
    return Op{};
  } else {
    return Op{row.parameter};
  }
}

// Where the vectors of an input come from: a dense array, or one value repeated.
template <class D> struct DenseInput {
  const hn::TFromD<D>* data;
  HWY_INLINE hn::Vec<D> at(D d, std::size_t i) const { return hn::LoadU(d, data + i); }
  HWY_INLINE hn::Vec<D> part(D d, std::size_t i, std::size_t count) const {
    return load_part(d, data + i, count);
  }
};
template <class D> struct ScalarInput {
  hn::TFromD<D> value;
  HWY_INLINE hn::Vec<D> at(D d, std::size_t) const { return hn::Set(d, value); }
  HWY_INLINE hn::Vec<D> part(D d, std::size_t, std::size_t) const { return hn::Set(d, value); }
};

template <class Op, class D, class... Inputs>
HWY_INLINE void vector_loop(D d, const Row& row, const Inputs&... inputs) {
  const Op op = make_operation<Op>(row);
  auto* out = static_cast<hn::TFromD<D>*>(row.out);
  const auto count = static_cast<std::size_t>(row.count);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(op(d, inputs.at(d, i)...), d, out + i);
  if (i < count) store_part(op(d, inputs.part(d, i, count - i)...), d, out + i, count - i);
}

// out[i] = op(x[i]), a vector at a time.
template <class T, class Op> void vector_unary(const Row& row) {
  const hn::ScalableTag<T> d;
  vector_loop<Op>(d, row, DenseInput<hn::ScalableTag<T>>{static_cast<const T*>(row.in[0])});
}

// out[i] = op(a[i], b[i]), a vector at a time; either may be a scalar, not both.
template <class T, class Op> void vector_binary(const Row& row) {
  using D = hn::ScalableTag<T>;
  const D d;
  const T* a = static_cast<const T*>(row.in[0]);
  const T* b = static_cast<const T*>(row.in[1]);
  if (row.scalars == 1) {
    vector_loop<Op>(d, row, ScalarInput<D>{*a}, DenseInput<D>{b});
  } else if (row.scalars == 2) {
    vector_loop<Op>(d, row, DenseInput<D>{a}, ScalarInput<D>{*b});
  } else {
    vector_loop<Op>(d, row, DenseInput<D>{a}, DenseInput<D>{b});
  }
}

// out[i] = op(x[i]), left to the compiler to vectorise.
template <class To, class From, class Op> void loop_unary(const Row& row) {
  const From* x = static_cast<const From*>(row.in[0]);
  To* out = static_cast<To*>(row.out);
  const std::int64_t count = row.count;
  const Op op = make_operation<Op>(row);
  MICA_VECTORIZE
  for (std::int64_t i = 0; i < count; ++i) out[i] = op(x[i]);
}

// out[i] = op(a[i], b[i]), left to the compiler to vectorise; either may be a scalar, not both.
template <class To, class From, class Op> void loop_binary(const Row& row) {
  const From* a = static_cast<const From*>(row.in[0]);
  const From* b = static_cast<const From*>(row.in[1]);
  To* out = static_cast<To*>(row.out);
  const std::int64_t count = row.count;
  const Op op = make_operation<Op>(row);
  if (row.scalars == 1) {
    const From left = *a;
    MICA_VECTORIZE
    for (std::int64_t i = 0; i < count; ++i) out[i] = op(left, b[i]);
  } else if (row.scalars == 2) {
    const From right = *b;
    MICA_VECTORIZE
    for (std::int64_t i = 0; i < count; ++i) out[i] = op(a[i], right);
  } else {
    MICA_VECTORIZE
    for (std::int64_t i = 0; i < count; ++i) out[i] = op(a[i], b[i]);
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
