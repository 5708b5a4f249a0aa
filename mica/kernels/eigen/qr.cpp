
#include <mica/kernels/eigen/matrices-inl.h>

namespace mica::kernels {

void qr(const Matrices& m, std::int64_t inner, const void* a, void* q, void* r) {
  for_each_matrix(m, [&]<class T>(std::int64_t i, T) {
    if (m.rows == 0 || m.columns == 0) {
      if (q != nullptr) matrix<T>(q, i, m.rows, inner).setIdentity();
      return true;
    }
    const Eigen::HouseholderQR<Dense<T>> decomposition(matrix<T>(a, i, m.rows, m.columns));
    const Dense<T> upper = decomposition.matrixQR().topRows(inner).template triangularView<Eigen::Upper>();
    matrix<T>(r, i, inner, m.columns) = upper;
    if (q == nullptr) return true;
    const Dense<T> columns = decomposition.householderQ() * Dense<T>::Identity(m.rows, inner);
    matrix<T>(q, i, m.rows, inner) = columns;
    return true;
  });
}

}  // namespace mica::kernels
