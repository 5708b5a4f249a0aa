
#include <mica/kernels/eigen/matrices-inl.h>

namespace mica::kernels {

std::int64_t svd(const Matrices& m, bool full, const void* a, void* u, void* s, void* vt) {
  const std::int64_t k = std::min(m.rows, m.columns);
  const std::int64_t left = full ? m.rows : k;
  const std::int64_t right = full ? m.columns : k;
  const bool vectors = u != nullptr;
  const unsigned options = !vectors ? 0U
                           : full   ? Eigen::ComputeFullU | Eigen::ComputeFullV
                                    : Eigen::ComputeThinU | Eigen::ComputeThinV;
  return for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    if (k == 0) {
      if (vectors) matrix<T>(u, i, m.rows, left).setIdentity();
      if (vectors) matrix<T>(vt, i, right, m.columns).setIdentity();
      return true;
    }
    const Dense<T> x = matrix<T>(a, i, m.rows, m.columns);
    if (!x.allFinite()) return false;
    const Eigen::BDCSVD<Dense<T>> decomposition(x, options);
    matrix<T>(s, i, k, 1) = decomposition.singularValues();
    if (vectors) matrix<T>(u, i, m.rows, left) = decomposition.matrixU();
    if (vectors) matrix<T>(vt, i, right, m.columns) = decomposition.matrixV().transpose();
    return decomposition.info() == Eigen::Success;
  });
}

}  // namespace mica::kernels
