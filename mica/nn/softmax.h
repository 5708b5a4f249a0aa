// Softmax as layers.
#pragma once

#include <optional>

#include <mica/nn/module.h>
#include <mica/ops/softmax.h>

namespace mica::nn {

namespace detail {
// PyTorch's choice where `dim` was left out, which it deprecates: 0 for 0, 1 and 3 dimensions, else 1.
std::int64_t softmax_dim(std::optional<std::int64_t> dim, const Tensor& x);
std::string softmax_text(std::optional<std::int64_t> dim);
}  // namespace detail

// nn::Softmax{.dim = 1}
struct Softmax : Module {
  std::optional<std::int64_t> dim;
  Tensor forward(const Tensor& x) { return softmax(x, detail::softmax_dim(dim, x)); }
  std::string extra_repr() const { return detail::softmax_text(dim); }
};
struct LogSoftmax : Module {
  std::optional<std::int64_t> dim;
  Tensor forward(const Tensor& x) { return log_softmax(x, detail::softmax_dim(dim, x)); }
  std::string extra_repr() const { return detail::softmax_text(dim); }
};
struct Softmin : Module {
  std::optional<std::int64_t> dim;
  Tensor forward(const Tensor& x) { return softmin(x, detail::softmax_dim(dim, x)); }
  std::string extra_repr() const { return detail::softmax_text(dim); }
};
// Over the channels at each place of an image. Shapes: (N, C, H, W) or (C, H, W), unchanged. Errors: others.
struct Softmax2d : Module {
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn
