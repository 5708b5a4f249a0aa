#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <mica/kernels/floating.h>
#include <mica/kernels/softmax.h>

namespace mica::kernels::reference {

void softmax(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner,
             const void* x_data, void* y_data) {
  dispatch_floating("softmax", dtype, [&]<class T>() {
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const T* x = static_cast<const T*>(x_data) + o * n * inner + i;
        T* y = static_cast<T*>(y_data) + o * n * inner + i;
        double max = -std::numeric_limits<double>::infinity();
        for (std::int64_t k = 0; k < n; ++k) max = std::max(max, static_cast<double>(x[k * inner]));
        double sum = 0;
        for (std::int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(x[k * inner]) - max);
        for (std::int64_t k = 0; k < n; ++k) {
          const double shifted = static_cast<double>(x[k * inner]) - max;
          y[k * inner] = static_cast<T>(log ? shifted - std::log(sum) : std::exp(shifted) / sum);
        }
      }
    }
  });
}

}  // namespace mica::kernels::reference
