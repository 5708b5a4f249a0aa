#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/dropout.h>
#include <mica/ops/pointwise.h>

namespace mica {

Tensor dropout(const Tensor& x, double p, bool training) {
  if (!(p >= 0 && p <= 1)) throw Error("dropout", fmt::format("probability {} is not between 0 and 1", p));
  ops::check_floating("dropout", x);
  if (!training || p == 0) return x;
  if (p == 1) return x * zeros_like(x.detach());
  Tensor kept = empty(x.sizes(), u8);
  fill_bernoulli(kept.data<std::uint8_t>(), 1 - p, default_generator());
  return x * (kept.to(x.dtype()) * (1 / (1 - p)));
}

}  // namespace mica
