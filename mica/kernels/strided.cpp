#include <algorithm>
#include <array>
#include <utility>

#include <mica/kernels/strided.h>

namespace mica::kernels {

bool may_overlap(const Shape& sizes, const Shape& strides) {
  std::array<std::pair<std::int64_t, std::int64_t>, max_dims> dims;  // stride, size
  std::size_t count = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 1) dims[count++] = {strides[i], sizes[i]};
  }
  std::sort(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(count));
  std::int64_t reach = 0;  // the last place that the smaller strides reach
  for (std::size_t i = 0; i < count; ++i) {
    const auto [stride, size] = dims[i];
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

namespace {

template <class T> T sum(T a, T b) {
  if constexpr (std::is_same_v<T, bool>)
    return a || b;
  else if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
    return T(static_cast<float>(a) + static_cast<float>(b));
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
  else
    return a + b;
}

template <class T>
void accumulate_from(int dim, const Shape& sizes, const T* x, const Shape& x_strides, T* out,
                     const Shape& out_strides) {
  if (dim == sizes.size()) {
    *out = sum(*out, *x);
    return;
  }
  const std::int64_t n = sizes[dim];
  const std::int64_t x_step = x_strides[dim];
  const std::int64_t out_step = out_strides[dim];
  if (dim + 1 == sizes.size()) {
    for (std::int64_t i = 0; i < n; ++i) out[i * out_step] = sum(out[i * out_step], x[i * x_step]);
  } else {
    for (std::int64_t i = 0; i < n; ++i)
      accumulate_from(dim + 1, sizes, x + i * x_step, x_strides, out + i * out_step, out_strides);
  }
}

}  // namespace

void accumulate(DType dtype, const Shape& sizes, const In& x, const Out& out) {
  if (sizes.numel() == 0) return;
  dispatch(dtype, [&]<class T>() {
    accumulate_from(0, sizes, static_cast<const T*>(x.data), x.strides, static_cast<T*>(out.data),
                    out.strides);
  });
}

}  // namespace mica::kernels
