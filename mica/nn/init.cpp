#include <cmath>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/init.h>
#include <mica/tensor/meta.h>

namespace mica::nn::init {

// What has no memory (nn::meta) stays so, and draws nothing.
Tensor uniform_(Tensor x, double a, double b) {
  if (is_meta(x)) return x;
  const NoGrad no_grad;
  return x.uniform_(a, b);
}

Tensor normal_(Tensor x, double mean, double std) {
  if (is_meta(x)) return x;
  const NoGrad no_grad;
  return x.normal_(mean, std);
}

Tensor constant_(Tensor x, double value) {
  if (is_meta(x)) return x;
  const NoGrad no_grad;
  return x.fill_(value);
}

Fans fans(const Tensor& weight) {
  if (weight.dim() < 2) {
    throw Error("init", fmt::format("fan in and fan out of a tensor of shape {}", to_string(weight.sizes())),
                "at least two dimensions are needed");
  }
  std::int64_t kernel = 1;
  for (int i = 2; i < weight.sizes().size(); ++i) kernel *= weight.sizes()[i];
  return {weight.sizes()[1] * kernel, weight.sizes()[0] * kernel};
}

// The bounds are computed in PyTorch's order of operations, so that they round to the same numbers.
Tensor kaiming_uniform_(Tensor x, double a) {
  if (x.numel() == 0) return x;
  const double gain = std::sqrt(2.0 / (1 + a * a));
  const double bound = std::sqrt(3.0) * (gain / std::sqrt(static_cast<double>(fans(x).in)));
  return uniform_(std::move(x), -bound, bound);
}

Tensor xavier_uniform_(Tensor x, double gain) {
  const Fans f = fans(x);
  const double bound = std::sqrt(3.0) * (gain * std::sqrt(2.0 / static_cast<double>(f.in + f.out)));
  return uniform_(std::move(x), -bound, bound);
}

}  // namespace mica::nn::init
