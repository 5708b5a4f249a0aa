#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include <mica/core/error.h>
#include <mica/ops/activation.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::grad_enabled;
using autograd::record;
using autograd::recording;
using kernels::Binary;
using kernels::Unary;
using ops::Reuse;

namespace {
// A backward rule in one pass over memory, for when nobody asks for second derivatives: in the memory of the
// gradient that came, where nobody else holds it.
Tensor fused(Binary op, const Tensor& grad, const Tensor& saved) {
  return ops::binary(op, grad, saved, grad.dtype(), Reuse::yes);
}
}  // namespace

Tensor relu(Tensor x) {
  Tensor y = ops::unary(Unary::relu, x, x.dtype(), Reuse::yes);
  if (!recording(x)) return y;
  return record("relu", y, {&x}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    if (grad_enabled()) return masked_fill(grad, le(y.get(node), 0), 0);
    return fused(Binary::relu_backward, grad, y.get(node));
  });
}

Tensor sigmoid(Tensor x) {
  Tensor y = ops::unary(Unary::sigmoid, x, ops::floating_type(x.dtype()), Reuse::yes);
  if (!recording(x)) return y;
  return record("sigmoid", y, {&x}, [saved = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor y = saved.get(node);
    if (grad_enabled()) return grad * (y * (1 - y));
    return fused(Binary::sigmoid_backward, grad, y);
  });
}

Tensor tanh(Tensor x) {
  Tensor y = ops::unary(Unary::tanh, x, ops::floating_type(x.dtype()), Reuse::yes);
  if (!recording(x)) return y;
  return record("tanh", y, {&x}, [saved = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor y = saved.get(node);
    if (grad_enabled()) return grad * (1 - square(y));
    return fused(Binary::tanh_backward, grad, y);
  });
}

Tensor softplus(Tensor x, double beta, double threshold) {
  if (beta == 0) throw Error("softplus", "beta is 0", "the result would be infinite everywhere");
  if (beta != 1) return div(softplus(mul(std::move(x), beta), 1, threshold), beta);
  const bool tracked = recording(x);
  Tensor y = ops::unary(Unary::softplus, x, ops::floating_type(x.dtype()), tracked ? Reuse::no : Reuse::yes,
                        threshold);
  if (!tracked) return y;
  return record("softplus", y, {&x}, [threshold, saved = Saved(x)](const Node& node, const Tensor& grad) {
    const Tensor x = saved.get(node);
    return where(gt(x, threshold), grad, grad * sigmoid(x));
  });
}

namespace {

// d/dx x Phi(x) = Phi(x) + x phi(x), times grad; itself differentiable: its slope in x is phi(x) (2 - x^2).
Tensor gelu_backward(const Tensor& grad, const Tensor& x) {
  Tensor y = ops::binary(Binary::gelu_backward, grad, x, grad.dtype());
  if (!recording(grad, x)) return y;
  return record(
      "gelu_backward", y, {&grad, &x},
      [grad = Saved(grad), x = Saved(x)](const Node& node, const Tensor& gg) -> std::array<Tensor, 2> {
        const Tensor input = x.get(node);
        const double scale = std::sqrt(0.5 * std::numbers::inv_pi);  // 1 / sqrt(2 pi)
        const Tensor phi = exp(square(input) * -0.5) * scale;
        return {gelu_backward(gg, input), gg * grad.get(node) * phi * (2 - square(input))};
      });
}

// 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3), derived and written with differentiable operations.
Tensor gelu_tanh_slope(const Tensor& x) {
  const double k = std::sqrt(2 * std::numbers::inv_pi);
  const Tensor x2 = square(x);
  const Tensor t = tanh(x * (x2 * 0.044715 + 1) * k);
  return (t + 1) * 0.5 + x * (1 - square(t)) * (x2 * (3 * 0.044715) + 1) * (0.5 * k);
}

}  // namespace

Tensor gelu(Tensor x, Gelu approximate) {
  ops::check_floating("gelu", x);
  const bool exact = approximate == Gelu::none;
  const bool tracked = recording(x);
  Tensor y =
      ops::unary(exact ? Unary::gelu : Unary::gelu_tanh, x, x.dtype(), tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  return record("gelu", y, {&x}, [exact, saved = Saved(x)](const Node& node, const Tensor& grad) {
    const Tensor x = saved.get(node);
    if (!grad_enabled()) return fused(exact ? Binary::gelu_backward : Binary::gelu_tanh_backward, grad, x);
    return exact ? gelu_backward(grad, x) : grad * gelu_tanh_slope(x);
  });
}

Tensor Tensor::relu() const { return mica::relu(*this); }
Tensor Tensor::sigmoid() const { return mica::sigmoid(*this); }
Tensor Tensor::tanh() const { return mica::tanh(*this); }

}  // namespace mica
