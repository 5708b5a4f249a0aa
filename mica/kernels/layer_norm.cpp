#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/layer_norm.cpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/moments-inl.h>
#include <mica/kernels/norm.h>
#include <mica/kernels/scratch.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// `next`, the row to come, is fetched from memory while this one is written.
template <class T>
void forward_row(std::int64_t n, const T* x, const T* next, const T* gamma, const T* beta, double eps, T* y,
                 T* mean, T* rstd) {
  const Tag<T> d;
  const Moments m = moments(n, x);
  const SplitMean<T> center(m.mean);
  *mean = center.high;
  *rstd = static_cast<T>(1 / std::sqrt(m.variance() + eps));
  const Vec<T> scale = hn::Set(d, *rstd);
  const auto normalized = [&](std::int64_t i, auto access) HWY_ATTR {
    hwy::Prefetch(next + i);
    return hn::Mul(minus_mean(d, access.load(d, x + i), center), scale);
  };
  // One loop for each case: a test inside would cost as much as the arithmetic.
  if (gamma && beta) {
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      const Vec<T> v = normalized(i, access);
      access.store(hn::MulAdd(v, access.load(d, gamma + i), access.load(d, beta + i)), d, y + i);
    });
  } else {
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      Vec<T> v = normalized(i, access);
      if (gamma) v = hn::Mul(v, access.load(d, gamma + i));
      if (beta) v = hn::Add(v, access.load(d, beta + i));
      access.store(v, d, y + i);
    });
  }
}

void layer_norm_target(DType dtype, std::int64_t rows, std::int64_t n, const void* x, const void* gamma,
                       const void* beta, double eps, void* y, void* mean, void* rstd) {
  dispatch_floating("layer_norm", dtype, [&]<class T>() HWY_ATTR {
    const std::int64_t grain = std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(n, 1));
    parallel_for(0, rows, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      for (std::int64_t row = first; row < last; ++row) {
        const T* from = static_cast<const T*>(x) + row * n;
        forward_row(n, from, row + 1 < last ? from + n : from, static_cast<const T*>(gamma),
                    static_cast<const T*>(beta), eps, static_cast<T*>(y) + row * n,
                    static_cast<T*>(mean) + row, static_cast<T*>(rstd) + row);
      }
    });
  });
}

template <class T> struct Backward {
  std::int64_t rows, n;
  const T *grad, *x, *gamma, *mean, *rstd;
  T* grad_x;
};

// With g = grad * gamma and v = (x - mean) * rstd: grad_x = rstd * (g - average(g) - v * average(g * v)).
// Adds grad * v and grad to the columns of sum_gamma and sum_beta unless these are null. `next` is the
// distance to the row to come, fetched from memory meanwhile.
template <class T>
void backward_row(const Backward<T>& b, std::int64_t row, std::int64_t next, T* sum_gamma, T* sum_beta) {
  const Tag<T> d;
  const std::int64_t n = b.n;
  const T* grad = b.grad + row * n;
  const T* x = b.x + row * n;
  const Vec<T> mean = hn::Set(d, b.mean[row]);
  const Vec<T> rstd = hn::Set(d, b.rstd[row]);
  const auto normalized = [&](std::int64_t i, auto access)
                              HWY_ATTR { return hn::Mul(hn::Sub(access.load(d, x + i), mean), rstd); };
  const auto scaled_grad = [&](std::int64_t i, auto access) HWY_ATTR {
    const Vec<T> g = access.load(d, grad + i);
    return b.gamma ? hn::Mul(g, access.load(d, b.gamma + i)) : g;
  };
  if (b.grad_x) {
    T* out = b.grad_x + row * n;
    const double sum = sum_lanes<T>(n, scaled_grad);
    const double dot = sum_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      return hn::Mul(scaled_grad(i, access), normalized(i, access));
    });
    const Vec<T> average = hn::Set(d, static_cast<T>(sum / static_cast<double>(n)));
    const Vec<T> slope = hn::Set(d, static_cast<T>(dot / static_cast<double>(n)));
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      hwy::Prefetch(grad + next + i);
      hwy::Prefetch(x + next + i);
      const Vec<T> centered = hn::Sub(scaled_grad(i, access), average);
      access.store(hn::Mul(rstd, hn::NegMulAdd(normalized(i, access), slope, centered)), d, out + i);
    });
  }
  if (sum_gamma) {
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      const Vec<T> sum = access.load(d, sum_gamma + i);
      access.store(hn::MulAdd(access.load(d, grad + i), normalized(i, access), sum), d, sum_gamma + i);
    });
  }
  if (sum_beta) {
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      access.store(hn::Add(access.load(d, sum_beta + i), access.load(d, grad + i)), d, sum_beta + i);
    });
  }
}

// out[j] = the sum of the `blocks` rows of partial, in double.
template <class T> void add_blocks(std::int64_t blocks, std::int64_t n, const T* partial, T* out) {
  const std::int64_t grain = std::max<std::int64_t>(64, 16384 / std::max<std::int64_t>(blocks, 1));
  parallel_for(0, n, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    constexpr std::int64_t block_width = 64;
    for (std::int64_t begin = first; begin < last; begin += block_width) {
      const std::int64_t width = std::min(block_width, last - begin);
      double sum[block_width] = {};
      for (std::int64_t block = 0; block < blocks; ++block) {
        const T* row = partial + block * n + begin;
        for (std::int64_t j = 0; j < width; ++j) sum[j] += static_cast<double>(row[j]);
      }
      for (std::int64_t j = 0; j < width; ++j) out[begin + j] = static_cast<T>(sum[j]);
    }
  });
}

// Blocks of rows add up their part of grad_gamma and grad_beta by themselves. The blocks follow from the
// shape only, so the result does not depend on the number of threads.
template <class T> void backward(const Backward<T>& b, T* grad_gamma, T* grad_beta) {
  const std::int64_t rows = b.rows, n = b.n;
  const std::int64_t block_rows = std::clamp<std::int64_t>(rows / 16, 8, 64);
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  const Scratch<T> gamma_parts(grad_gamma ? blocks * n : 0);
  const Scratch<T> beta_parts(grad_beta ? blocks * n : 0);
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / (block_rows * std::max<std::int64_t>(n, 1)));
  parallel_for(0, blocks, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t block = first; block < last; ++block) {
      T* sum_gamma = grad_gamma ? gamma_parts.data() + block * n : nullptr;
      T* sum_beta = grad_beta ? beta_parts.data() + block * n : nullptr;
      if (sum_gamma) std::fill_n(sum_gamma, n, T(0));
      if (sum_beta) std::fill_n(sum_beta, n, T(0));
      const std::int64_t end = std::min(rows, (block + 1) * block_rows);
      for (std::int64_t row = block * block_rows; row < end; ++row)
        backward_row(b, row, row + 1 < rows ? n : 0, sum_gamma, sum_beta);
    }
  });
  if (grad_gamma) add_blocks(blocks, n, gamma_parts.data(), grad_gamma);
  if (grad_beta) add_blocks(blocks, n, beta_parts.data(), grad_beta);
}

void layer_norm_backward_target(DType dtype, std::int64_t rows, std::int64_t n, const void* grad,
                                const void* x, const void* gamma, const void* mean, const void* rstd,
                                void* grad_x, void* grad_gamma, void* grad_beta) {
  dispatch_floating("layer_norm_backward", dtype, [&]<class T>() HWY_ATTR {
    backward<T>({.rows = rows,
                 .n = n,
                 .grad = static_cast<const T*>(grad),
                 .x = static_cast<const T*>(x),
                 .gamma = static_cast<const T*>(gamma),
                 .mean = static_cast<const T*>(mean),
                 .rstd = static_cast<const T*>(rstd),
                 .grad_x = static_cast<T*>(grad_x)},
                static_cast<T*>(grad_gamma), static_cast<T*>(grad_beta));
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(layer_norm_target);
HWY_EXPORT(layer_norm_backward_target);

void layer_norm(DType dtype, std::int64_t rows, std::int64_t n, const void* x, const void* gamma,
                const void* beta, double eps, void* y, void* mean, void* rstd) {
  HWY_DYNAMIC_DISPATCH(layer_norm_target)(dtype, rows, n, x, gamma, beta, eps, y, mean, rstd);
}

void layer_norm_backward(DType dtype, std::int64_t rows, std::int64_t n, const void* grad, const void* x,
                         const void* gamma, const void* mean, const void* rstd, void* grad_x,
                         void* grad_gamma, void* grad_beta) {
  HWY_DYNAMIC_DISPATCH(layer_norm_backward_target)
  (dtype, rows, n, grad, x, gamma, mean, rstd, grad_x, grad_gamma, grad_beta);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
