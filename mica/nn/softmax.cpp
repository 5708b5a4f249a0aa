#include <fmt/format.h>

#include <mica/nn/softmax.h>

namespace mica::nn {

std::int64_t detail::softmax_dim(std::optional<std::int64_t> dim, const Tensor& x) {
  const std::int64_t n = x.dim();
  return dim.value_or(n == 0 || n == 1 || n == 3 ? 0 : 1);
}

std::string detail::softmax_text(std::optional<std::int64_t> dim) {
  return dim ? fmt::format("dim={}", *dim) : "dim=None";
}

Tensor Softmax2d::forward(const Tensor& x) {
  if (x.dim() != 3 && x.dim() != 4) {
    throw Error("Softmax2d",
                fmt::format("expected 3 or 4 dimensions, got shape {}", mica::to_string(x.sizes())),
                "(C, H, W) or (N, C, H, W)");
  }
  return softmax(x, -3);
}

}  // namespace mica::nn
