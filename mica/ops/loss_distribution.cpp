#include <limits>
#include <numbers>

#include <fmt/format.h>

#include <mica/autograd/node.h>
#include <mica/core/error.h>
#include <mica/ops/activation.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/loss_distribution.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>
#include <mica/ops/special.h>

namespace mica {

using detail::reduced;

namespace {

void check_same_sizes(const char* operation, const Tensor& x, const Tensor& target) {
  if (x.sizes() == target.sizes()) return;
  throw Error(operation, fmt::format("x of shape {} with a target of shape {}", to_string(x.sizes()),
                                     to_string(target.sizes())));
}

}  // namespace

Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, const PoissonNllLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(poisson_nll_loss, x, target, o);
  Tensor losses = o.log_input ? exp(x) - target * x : x - target * log(x + o.eps);
  if (o.full) {
    const Tensor stirling = target * log(target) - target + 0.5 * log(2 * std::numbers::pi * target);
    losses = losses + masked_fill(stirling, le(target, 1), 0);
  }
  return reduced("poisson_nll_loss", losses, o.reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& given,
                         const GaussianNllLossOptions& o) {
  constexpr const char* operation = "gaussian_nll_loss";
  if (!(o.eps > 0)) throw Error(operation, fmt::format("eps {} is not positive", o.eps));
  Tensor var = given;
  if (var.sizes() != x.sizes()) {
    Shape without = x.sizes(), with_one = x.sizes();
    if (!without.empty()) {
      without.erase(without.size() - 1);
      with_one[with_one.size() - 1] = 1;
    }
    if (x.dim() > 0 && var.sizes() == without)
      var = var.unsqueeze(-1);
    else if (var.sizes() != with_one)
      throw Error(operation, fmt::format("var of shape {} for x of shape {}", to_string(given.sizes()),
                                         to_string(x.sizes())));
  }
  if (lt(var, 0).any().item<bool>()) throw Error(operation, "a variance is negative");
  // The bound is no part of the derivative.
  const Tensor bounded = where(lt(var, o.eps), var - var.detach() + o.eps, var);
  Tensor losses = 0.5 * (log(bounded) + square(x - target) / bounded);
  if (o.full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
  return reduced(operation, losses, o.reduction);
}

Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(kl_div, x, target, o);
  const Tensor losses = o.log_target ? exp(target) * (target - x) : xlogy(target, target) - target * x;
  if (o.reduction != Reduction::batchmean) return reduced("kl_div", losses, o.reduction);
  return x.dim() == 0 ? losses.sum() : losses.sum() / static_cast<double>(x.size(0));
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const BinaryCrossEntropyOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(binary_cross_entropy, x, target, o);
  constexpr const char* operation = "binary_cross_entropy";
  ops::check_floating(operation, x);
  check_same_sizes(operation, x, target);
  if (logical_not(logical_and(ge(x, 0), le(x, 1))).any().item<bool>())
    throw Error(operation, "x is not between 0 and 1 everywhere",
                "pass probabilities: sigmoid(x), or use "
                "binary_cross_entropy_with_logits(x, target)");
  constexpr double smallest = 1e-12F;  // as PyTorch rounds it
  // Derivatives of the bounded logarithms would be 0 / 0 at the ends; PyTorch's rule is finite there.
  const auto value = [](const Tensor& p, const Tensor& t) {
    return (t - 1) * clamp_min(log1p(neg(p)), -100) - t * clamp_min(log(p), -100);
  };
  Tensor losses;
  {
    const NoGrad no_grad;
    losses = value(x, target);
  }
  if (autograd::recording(x, target)) {
    losses = autograd::record("binary_cross_entropy", losses, {&x, &target},
                              [x = Saved(x), target = Saved(target)](const Node& node, const Tensor& grad) {
                                const Tensor p = x.get(node), t = target.get(node);
                                std::array<Tensor, 2> grads;
                                if (node.needs(0))
                                  grads[0] = grad * (p - t) / clamp_min((1 - p) * p, smallest);
                                if (node.needs(1)) grads[1] = grad * (log1p(neg(p)) - log(p));
                                return grads;
                              });
  }
  if (o.weight.defined()) losses = losses * detail::constant(operation, o.weight);
  return reduced(operation, losses, o.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(binary_cross_entropy_with_logits, x, target, o);
  constexpr const char* operation = "binary_cross_entropy_with_logits";
  ops::check_floating(operation, x);
  check_same_sizes(operation, x, target);
  // -log sigmoid(x), exact everywhere
  const Tensor positive = softplus(neg(x), 1, std::numeric_limits<double>::infinity());
  Tensor losses = o.pos_weight.defined() ? (1 - target) * x + (1 + (o.pos_weight - 1) * target) * positive
                                         : (1 - target) * x + positive;
  if (o.weight.defined()) losses = losses * detail::constant(operation, o.weight);
  return reduced(operation, losses, o.reduction);
}

}  // namespace mica
