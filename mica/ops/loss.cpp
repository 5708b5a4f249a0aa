#include <algorithm>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/softmax.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/loss.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/softmax.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace detail {

void check_reduction(const char* operation, Reduction reduction) {
  if (reduction == Reduction::batchmean)
    throw Error(operation, "the reduction is batchmean", "that is for kl_div; here mean, sum or none");
}

Tensor reduced(const char* operation, const Tensor& losses, Reduction reduction) {
  check_reduction(operation, reduction);
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? losses.sum() : losses.mean();
}

void check_class_numbers(const char* operation, const Tensor& target, std::int64_t classes,
                         std::int64_t ignore_index) {
  for (const std::int64_t t : target.data<std::int64_t>()) {
    if (t != ignore_index && (t < 0 || t >= classes)) {
      throw Error(operation, fmt::format("target {} is out of range for {} classes", t, classes),
                  fmt::format("class numbers go from 0 to {}", classes - 1));
    }
  }
}

Tensor constant(const char* operation, const Tensor& weight) {
  if (recording(weight)) {
    throw Error(operation, "the weights require a gradient, but have none here",
                "detach() them, or weight the losses of Reduction::none yourself");
  }
  return weight.detach();
}

}  // namespace detail

using detail::reduced;

namespace {

// Targets as weights over the classes: loss = -sum_c coefficients_c log softmax_c. Shape of the logits.
Tensor soft_target(const Tensor& target, const Tensor& logits, const CrossEntropyOptions& o) {
  const std::int64_t classes = logits.sizes()[1];
  Shape along = Shape::filled(logits.sizes().size(), 1);
  along[1] = classes;
  const Tensor t = target.unsqueeze(1);
  Tensor mix = eq(t, arange(classes).reshape(along)).to(logits.dtype()) * (1 - o.label_smoothing) +
               o.label_smoothing / static_cast<double>(classes);
  if (o.weight.defined()) mix = mix * o.weight.reshape(along);
  return mix * ne(t, o.ignore_index);
}

// What the fused kernel reads, kept for backward.
struct Fused {
  Tensor logits, target, weight, log_sum_exp;
  Saved given_target, given_weight;  // those above may share their memory
  kernels::CrossEntropy arguments;
};

Tensor from_probabilities(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& o) {
  if (target.sizes() != logits.sizes()) {
    throw Error("cross_entropy", fmt::format("probabilities of shape {} for logits of shape {}",
                                             to_string(target.sizes()), to_string(logits.sizes())));
  }
  const int class_dim = logits.dim() == 1 ? 0 : 1;
  const std::int64_t classes = logits.size(class_dim);
  Tensor p = target * (1 - o.label_smoothing) + o.label_smoothing / static_cast<double>(classes);
  if (o.weight.defined()) {
    Shape along = Shape::filled(logits.sizes().size(), 1);
    along[class_dim] = classes;
    p = p * o.weight.reshape(along);
  }
  const Tensor losses = neg((p * log_softmax(logits, class_dim)).sum(Shape(class_dim)));
  return o.reduction == Reduction::mean
             ? losses.sum() / static_cast<double>(std::max<std::int64_t>(losses.numel(), 1))
             : reduced("cross_entropy", losses, o.reduction);
}

}  // namespace

Tensor cross_entropy(const Tensor& given, const Tensor& target, const CrossEntropyOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(cross_entropy, given, target, o);
  ops::check_floating("cross_entropy", given);
  if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1)) {
    throw Error("cross_entropy", fmt::format("label_smoothing {} is not between 0 and 1", o.label_smoothing));
  }
  if (o.weight.defined()) detail::constant("cross_entropy", o.weight);
  detail::check_reduction("cross_entropy", o.reduction);
  if (ops::compute_type(given.dtype()) != given.dtype())
    return cross_entropy(given.to(f32), target, o).to(given.dtype());
  if (target.is_floating_point() && given.dim() > 0) return from_probabilities(given, target, o);

  const bool unbatched = given.dim() == 1;
  const Tensor logits = (unbatched ? given.unsqueeze(0) : given).contiguous();
  Shape expected = logits.sizes();
  if (expected.size() >= 2) expected.erase(1);
  if (given.dim() == 0 || target.sizes() != (unbatched ? Shape() : expected)) {
    throw Error("cross_entropy",
                fmt::format("logits of shape {} with targets of shape {}", to_string(given.sizes()),
                            to_string(target.sizes())),
                "logits are (N, C) or (N, C, d1, ...), class numbers (N) or (N, d1, ...)");
  }
  if (!is_integral(target.dtype())) {
    throw Error("cross_entropy", fmt::format("targets are {}", name(target.dtype())),
                "class numbers are i64");
  }
  const std::int64_t classes = logits.sizes()[1];
  if (o.weight.defined() && (o.weight.sizes() != Shape(classes) || o.weight.dtype() != logits.dtype())) {
    throw Error("cross_entropy",
                fmt::format("weight is {} {}, expected {} {}", name(o.weight.dtype()),
                            to_string(o.weight.sizes()), name(logits.dtype()), to_string(Shape(classes))));
  }

  Fused f{.logits = logits.detach(), .target = target.to(i64).contiguous().reshape(expected)};
  detail::check_class_numbers("cross_entropy", f.target, classes, o.ignore_index);
  f.given_target = Saved(target);
  if (o.weight.defined()) {
    f.weight = o.weight.detach().contiguous();
    f.given_weight = Saved(o.weight);
  }
  Tensor losses = empty(expected, logits.dtype());
  f.log_sum_exp = empty(expected, logits.dtype());
  f.arguments = {.dtype = logits.dtype(),
                 .outer = logits.sizes()[0],
                 .classes = classes,
                 .inner = expected.numel() / std::max<std::int64_t>(logits.sizes()[0], 1),
                 .logits = f.logits.raw_data(),
                 .target = f.target.data<std::int64_t>().data(),
                 .weight = f.weight.defined() ? f.weight.raw_data() : nullptr,
                 .ignore_index = o.ignore_index,
                 .label_smoothing = o.label_smoothing};
  const double total_weight =
      kernels::cross_entropy(f.arguments, losses.raw_data(), f.log_sum_exp.raw_data());
  const double divisor = o.reduction == Reduction::mean ? total_weight : 1;
  Tensor y =
      o.reduction == Reduction::none ? (unbatched ? losses.reshape({}) : losses) : losses.sum() / divisor;
  if (!recording(logits)) return y;

  const bool each = o.reduction == Reduction::none;
  return record("cross_entropy", y, {&logits},
                [f, o, each, divisor, expected, saved = Saved(logits)](const Node& node, const Tensor& grad) {
                  const Tensor x = saved.get(node);
                  f.given_target.get(node);
                  f.given_weight.get(node);
                  const Tensor scale = each ? grad.reshape(expected) : grad / divisor;
                  if (autograd::grad_enabled()) {
                    const Tensor mix = soft_target(f.target, x, o);
                    const Tensor per_item = each ? scale.unsqueeze(1) : scale;
                    return per_item * (softmax(x, 1) * mix.sum(1, true) - mix);
                  }
                  const Tensor s = scale.contiguous();
                  Tensor grad_logits = empty(x.sizes(), x.dtype());
                  kernels::cross_entropy_backward(f.arguments, f.log_sum_exp.raw_data(), s.raw_data(), each,
                                                  grad_logits.raw_data());
                  return grad_logits;
                });
}

Tensor nll_loss(const Tensor& given, const Tensor& target, const NllLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(nll_loss, given, target, o);
  ops::check_floating("nll_loss", given);
  const bool unbatched = given.dim() == 1;
  Shape expected = given.sizes();
  if (!expected.empty()) expected.erase(unbatched ? 0 : std::min(1, expected.size() - 1));
  if (given.dim() == 0 || target.sizes() != expected) {
    throw Error("nll_loss",
                fmt::format("log probabilities of shape {} with targets of shape {}",
                            to_string(given.sizes()), to_string(target.sizes())),
                "log probabilities are (N, C) or (N, C, d1, ...), class numbers (N) or (N, d1, ...)");
  }
  if (!is_integral(target.dtype()))
    throw Error("nll_loss", fmt::format("targets are {}", name(target.dtype())), "class numbers are i64");
  const std::int64_t class_dim = unbatched ? 0 : 1, classes = given.size(class_dim);
  const Tensor t = target.to(i64).contiguous();
  detail::check_class_numbers("nll_loss", t, classes, o.ignore_index);
  const Tensor counts = ne(t, o.ignore_index);
  const Tensor index = where(counts, t, 0);
  Tensor weights;
  if (o.weight.defined()) {
    if (o.weight.sizes() != Shape(classes)) {
      throw Error("nll_loss",
                  fmt::format("weight of shape {} for {} classes", to_string(o.weight.sizes()), classes));
    }
    weights =
        detail::constant("nll_loss", o.weight).index_select(0, index.reshape(Shape(-1))).reshape(t.sizes()) *
        counts;
  } else {
    weights = counts.to(given.dtype());
  }
  const Tensor picked = neg(given.gather(class_dim, index.unsqueeze(class_dim)).squeeze(class_dim));
  const Tensor losses = where(counts, picked * weights, 0.0);
  if (o.reduction == Reduction::mean) return losses.sum() / weights.sum();
  return reduced("nll_loss", losses, o.reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast_enabled()) return ops::autocast_to<f32>(l1_loss, x, target, reduction);
  return reduced("l1_loss", abs(x - target), reduction);
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast_enabled()) return ops::autocast_to<f32>(mse_loss, x, target, reduction);
  return reduced("mse_loss", square(x - target), reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1LossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(smooth_l1_loss, x, target, o);
  if (!(o.beta >= 0)) throw Error("smooth_l1_loss", fmt::format("beta {} is negative", o.beta));
  if (o.beta == 0) return reduced("smooth_l1_loss", abs(x - target), o.reduction);
  const Tensor difference = x - target, d = abs(difference), beyond = ge(d, o.beta);
  // What is beyond takes no part in the square, whose derivative would be 0 times infinity.
  return reduced("smooth_l1_loss",
                 where(beyond, d - 0.5 * o.beta, square(where(beyond, 0, difference)) * (0.5 / o.beta)),
                 o.reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(huber_loss, x, target, o);
  if (!(o.delta > 0)) throw Error("huber_loss", fmt::format("delta {} is not positive", o.delta));
  const Tensor difference = x - target, d = abs(difference), beyond = gt(d, o.delta);
  return reduced("huber_loss",
                 where(beyond, o.delta * (d - 0.5 * o.delta), square(where(beyond, 0, difference)) * 0.5),
                 o.reduction);
}

}  // namespace mica
