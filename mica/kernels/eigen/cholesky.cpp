
#include <mica/kernels/eigen/matrices-inl.h>

namespace mica::kernels {

std::int64_t cholesky(const Matrices& m, const void* a, void* l) {
  const std::int64_t n = m.rows;
  return for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    if (n == 0) return true;
    const Eigen::LLT<Dense<T>> llt(matrix<T>(a, i, n, n));
    const Dense<T> lower = llt.matrixL();
    matrix<T>(l, i, n, n) = lower;
    return llt.info() == Eigen::Success && (lower.diagonal().array() > T(0)).all();
  });
}

void solve_triangular(const Matrices& m, std::int64_t right, bool upper, bool unit, const void* a,
                      const void* b, void* x) {
  const std::int64_t n = m.rows;
  if (n == 0 || right == 0) return;
  for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    const auto triangle = matrix<T>(a, i, n, n);
    auto solution = matrix<T>(x, i, n, right);
    solution = matrix<T>(b, i, n, right);
    if (upper && unit)
      triangle.template triangularView<Eigen::UnitUpper>().solveInPlace(solution);
    else if (upper)
      triangle.template triangularView<Eigen::Upper>().solveInPlace(solution);
    else if (unit)
      triangle.template triangularView<Eigen::UnitLower>().solveInPlace(solution);
    else
      triangle.template triangularView<Eigen::Lower>().solveInPlace(solution);
    return true;
  });
}

}  // namespace mica::kernels
