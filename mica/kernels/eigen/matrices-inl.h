// Rows of matrices as Eigen sees them. For the .cpp files of this folder only.
#pragma once

#include <algorithm>
#include <atomic>

// A namespace of our own: a program may use another Eigen, compiled with other flags.
#define Eigen mica_eigen
#define EIGEN_MPL2_ONLY
#define EIGEN_DONT_PARALLELIZE  // Mica's threads share the matrices out

#include <Eigen/Dense>

#include <mica/core/parallel.h>
#include <mica/kernels/linalg.h>

namespace mica::kernels {

template <class T> using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor | Eigen::AutoAlign>;

// Matrix i of an array of them.
template <class T>
Eigen::Map<const RowMajor<T>> matrix(const void* data, std::int64_t i, std::int64_t rows,
                                     std::int64_t columns) {
  return {static_cast<const T*>(data) + i * rows * columns, rows, columns};
}
template <class T>
Eigen::Map<RowMajor<T>> matrix(void* data, std::int64_t i, std::int64_t rows, std::int64_t columns) {
  return {static_cast<T*>(data) + i * rows * columns, rows, columns};
}

// body(i, T()) for each matrix, with T float or double. Returns the first for which it was false, or -1.
template <class F> std::int64_t for_each_matrix(const Matrices& m, const F& body) {
  constexpr std::int64_t worth_a_thread = 1 << 15;  // multiplications
  const std::int64_t work = m.rows * m.columns * std::min(m.rows, m.columns);
  const std::int64_t grain = worth_a_thread / std::max<std::int64_t>(work, 1) + 1;
  std::atomic<std::int64_t> failed = m.count;
  parallel_for(0, m.count, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      if (m.dtype == f32 ? body(i, float()) : body(i, double())) continue;
      std::int64_t known = failed;
      while (i < known && !failed.compare_exchange_weak(known, i)) {
      }
    }
  });
  return failed == m.count ? -1 : failed.load();
}

}  // namespace mica::kernels
