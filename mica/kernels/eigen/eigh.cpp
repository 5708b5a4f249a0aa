
#include <mica/kernels/eigen/matrices-inl.h>

namespace mica::kernels {

std::int64_t eigh(const Matrices& m, const void* a, void* w, void* v) {
  const std::int64_t n = m.rows;
  return for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    if (n == 0) return true;
    const Dense<T> lower = Dense<T>(matrix<T>(a, i, n, n)).template triangularView<Eigen::Lower>();
    if (!lower.allFinite()) return false;
    const Eigen::SelfAdjointEigenSolver<Dense<T>> solver(
        lower, v != nullptr ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success) return false;
    matrix<T>(w, i, n, 1) = solver.eigenvalues();
    if (v != nullptr) matrix<T>(v, i, n, n) = solver.eigenvectors();
    return true;
  });
}

}  // namespace mica::kernels
