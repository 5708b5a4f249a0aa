#include <cmath>

#include <mica/kernels/eigen/matrices-inl.h>

namespace mica::kernels {

std::int64_t solve(const Matrices& m, std::int64_t right, const void* a, const void* b, void* x) {
  const std::int64_t n = m.rows;
  return for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    if (n == 0) return true;
    const Eigen::PartialPivLU<Dense<T>> lu(matrix<T>(a, i, n, n));
    if ((lu.matrixLU().diagonal().array() == T(0)).any()) return false;
    const Dense<T> solution = lu.solve(Dense<T>(matrix<T>(b, i, n, right)));
    matrix<T>(x, i, n, right) = solution;
    return true;
  });
}

void determinant(const Matrices& m, const void* a, void* det, void* sign, void* logabs) {
  const std::int64_t n = m.rows;
  for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    T product = 1;
    T sign_of_all = 1;
    T logarithm = 0;
    if (n > 0) {
      const Eigen::PartialPivLU<Dense<T>> lu(matrix<T>(a, i, n, n));
      sign_of_all = static_cast<T>(lu.permutationP().determinant());
      product = sign_of_all;
      for (std::int64_t j = 0; j < n; ++j) {
        const T pivot = lu.matrixLU()(j, j);
        product *= pivot;
        if (pivot == 0) sign_of_all = 0;
        if (pivot < 0) sign_of_all = -sign_of_all;
        if (std::isnan(pivot)) sign_of_all = pivot;
        logarithm += std::log(std::abs(pivot));
      }
    }
    if (det != nullptr) static_cast<T*>(det)[i] = product;
    if (sign != nullptr) static_cast<T*>(sign)[i] = sign_of_all;
    if (logabs != nullptr) static_cast<T*>(logabs)[i] = logarithm;
    return true;
  });
}

}  // namespace mica::kernels
