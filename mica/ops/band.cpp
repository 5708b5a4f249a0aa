#include <mica/ops/band.h>
#include <mica/ops/detail.h>

namespace mica::ops {

Tensor band_product(const Tensor& x, int dim, std::shared_ptr<const kernels::Band> band) {
  const Tensor input = x.detach().contiguous();
  Shape sizes = x.sizes();
  sizes[dim] = band->rows();
  Tensor y = empty(sizes, x.dtype());
  std::int64_t batch = 1, inner = 1;
  for (int d = 0; d < sizes.size(); ++d) (d < dim ? batch : inner) *= d == dim ? 1 : sizes[d];
  kernels::band_product(x.dtype(), *band, batch, inner, input.raw_data(), y.raw_data());
  if (!autograd::recording(x)) return y;
  return autograd::record(
      "band_product", y, {&x}, [dim, band = std::move(band)](const Node&, const Tensor& grad) {
        return band_product(grad, dim, std::make_shared<kernels::Band>(kernels::transposed(*band)));
      });
}

void add_row(kernels::Band& band, std::int64_t first, const std::vector<double>& weights) {
  band.first.push_back(first);
  band.weights.insert(band.weights.end(), weights.begin(), weights.end());
  band.begin.push_back(static_cast<std::int64_t>(band.weights.size()));
}

}  // namespace mica::ops
