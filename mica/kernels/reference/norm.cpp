#include <cmath>
#include <cstdint>

#include <mica/kernels/floating.h>
#include <mica/kernels/norm.h>

namespace mica::kernels::reference {
namespace {

struct Moments {
  double mean, variance;
};

// Two passes in double over value(0), ..., value(n - 1).
template <class Value> Moments moments(std::int64_t n, const Value& value) {
  if (n == 0) return {0, 0};
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += value(i);
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (std::int64_t i = 0; i < n; ++i) squares += (value(i) - mean) * (value(i) - mean);
  return {mean, squares / static_cast<double>(n)};
}

}  // namespace

void layer_norm(DType dtype, std::int64_t rows, std::int64_t n, const void* x_data, const void* gamma_data,
                const void* beta_data, double eps, void* y_data, void* mean, void* rstd) {
  dispatch_floating("layer_norm", dtype, [&]<class T>() {
    const T* gamma = static_cast<const T*>(gamma_data);
    const T* beta = static_cast<const T*>(beta_data);
    for (std::int64_t row = 0; row < rows; ++row) {
      const T* x = static_cast<const T*>(x_data) + row * n;
      T* y = static_cast<T*>(y_data) + row * n;
      const Moments m = moments(n, [&](std::int64_t i) { return static_cast<double>(x[i]); });
      const double scale = 1 / std::sqrt(m.variance + eps);
      for (std::int64_t i = 0; i < n; ++i) {
        double v = (static_cast<double>(x[i]) - m.mean) * scale;
        if (gamma) v *= static_cast<double>(gamma[i]);
        if (beta) v += static_cast<double>(beta[i]);
        y[i] = static_cast<T>(v);
      }
      static_cast<T*>(mean)[row] = static_cast<T>(m.mean);
      static_cast<T*>(rstd)[row] = static_cast<T>(scale);
    }
  });
}

void batch_norm_stats(const BatchNormShape& s, const void* x_data, void* mean, void* var) {
  dispatch_floating("batch_norm_stats", s.dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(x_data);
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const Moments m = moments(s.batch * s.spatial, [&](std::int64_t i) {
        const std::int64_t at = s.layout == Layout::channels_last
                                    ? i * s.channels + c
                                    : (i / s.spatial * s.channels + c) * s.spatial + i % s.spatial;
        return static_cast<double>(x[at]);
      });
      static_cast<T*>(mean)[c] = static_cast<T>(m.mean);
      static_cast<T*>(var)[c] = static_cast<T>(m.variance);
    }
  });
}

}  // namespace mica::kernels::reference
