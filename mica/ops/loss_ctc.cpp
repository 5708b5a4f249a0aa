#include <algorithm>

#include <fmt/format.h>

#include <mica/autograd/node.h>
#include <mica/core/error.h>
#include <mica/kernels/ctc.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/loss_ctc.h>
#include <mica/ops/pointwise.h>

namespace mica {
namespace {

constexpr const char* operation = "ctc_loss";

// What the kernel reads.
struct Problem {
  Tensor log_probs, targets, input_lengths, target_lengths;
  kernels::Ctc arguments() const {
    return {.dtype = log_probs.dtype(),
            .time = log_probs.size(0),
            .batch = log_probs.size(1),
            .classes = log_probs.size(2),
            .blank = blank,
            .longest = targets.size(1),
            .log_probs = log_probs.raw_data(),
            .targets = targets.data<std::int64_t>().data(),
            .input_lengths = input_lengths.data<std::int64_t>().data(),
            .target_lengths = target_lengths.data<std::int64_t>().data()};
  }
  std::int64_t blank;
};

// (N) i64. Errors: another shape or kind, a length outside 0..most.
Tensor lengths(const char* what, const Tensor& given, std::int64_t batch, std::int64_t most) {
  if (!is_integral(given.dtype()) || given.numel() != batch || given.dim() > 1) {
    throw Error(operation, fmt::format("{} are {} {}, expected one whole number for each of {} sequences",
                                       what, name(given.dtype()), to_string(given.sizes()), batch));
  }
  Tensor out = given.to(i64).reshape(Shape(batch)).contiguous();
  for (const std::int64_t n : out.data<std::int64_t>()) {
    if (n < 0 || n > most)
      throw Error(operation, fmt::format("{} has {}, which is not in 0..{}", what, n, most));
  }
  return out;
}

// Targets as (N, S), whatever their form. Errors: shapes that do not match, labels out of range.
Tensor padded(const Tensor& targets, const Tensor& target_lengths, std::int64_t classes, std::int64_t blank) {
  const auto counts = target_lengths.data<std::int64_t>();
  const auto batch = static_cast<std::int64_t>(counts.size());
  const Tensor given = targets.to(i64).contiguous();
  const bool concatenated = given.dim() == 1;
  const std::int64_t longest = counts.empty() ? 0 : std::ranges::max(counts);
  std::int64_t total = 0;
  for (const std::int64_t n : counts) total += n;
  if (concatenated ? given.numel() != total : given.size(0) != batch || given.size(1) < longest) {
    throw Error(operation,
                fmt::format("targets of shape {} for {} sequences of {} labels, the longest of {}",
                            to_string(targets.sizes()), batch, total, longest),
                "targets are (N, S), or all labels after one another");
  }
  const Tensor out = zeros({batch, longest}, i64);
  const auto from = given.data<std::int64_t>(), to = out.data<std::int64_t>();
  std::int64_t offset = 0;
  for (std::int64_t n = 0; n < batch; ++n) {
    const std::int64_t count = counts[static_cast<std::size_t>(n)];
    const std::int64_t start = concatenated ? offset : n * given.size(1);
    for (std::int64_t s = 0; s < count; ++s) {
      const std::int64_t label = from[static_cast<std::size_t>(start + s)];
      if (label < 0 || label >= classes || label == blank) {
        throw Error(operation,
                    fmt::format("target {} is the blank or out of range for {} classes", label, classes),
                    fmt::format("the blank is {}", blank));
      }
      to[static_cast<std::size_t>(n * longest + s)] = label;
    }
    offset += count;
  }
  return out;
}

}  // namespace

Tensor ctc_loss(const Tensor& given, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcLossOptions& o) {
  if (autocast_enabled()) {
    const auto run = [&](const Tensor& x) { return ctc_loss(x, targets, input_lengths, target_lengths, o); };
    return ops::autocast_to<f32>(run, given);
  }
  ops::check_floating(operation, given);
  if (given.dim() != 2 && given.dim() != 3) {
    throw Error(operation, fmt::format("log_probs of shape {}", to_string(given.sizes())),
                "(T, N, C), or (T, C) without a batch");
  }
  if (!is_integral(targets.dtype()) || targets.dim() < 1 || targets.dim() > 2) {
    throw Error(operation,
                fmt::format("targets are {} {}", name(targets.dtype()), to_string(targets.sizes())),
                "class numbers of (N, S), or all labels after one another");
  }
  if (ops::compute_type(given.dtype()) != given.dtype())
    return ctc_loss(given.to(f32), targets, input_lengths, target_lengths, o).to(given.dtype());
  const bool unbatched = given.dim() == 2;
  const Tensor log_probs = unbatched ? given.unsqueeze(1) : given;
  const std::int64_t steps = log_probs.size(0), batch = log_probs.size(1), classes = log_probs.size(2);
  if (o.blank < 0 || o.blank >= classes)
    throw Error(operation, fmt::format("blank {} is out of range for {} classes", o.blank, classes));

  Problem p{.log_probs = log_probs.detach().contiguous(),
            .targets = {},
            .input_lengths = lengths("input_lengths", input_lengths, batch, steps),
            .target_lengths = lengths("target_lengths", target_lengths, batch, targets.numel()),
            .blank = o.blank};
  p.targets = padded(targets, p.target_lengths, classes, o.blank);
  const Tensor exact = empty({batch}, f64);
  const Tensor log_alpha = empty({batch, steps, 2 * p.targets.size(1) + 1}, f64);
  kernels::ctc(p.arguments(), exact.data<double>().data(), log_alpha.data<double>().data());
  Tensor losses = (o.zero_infinity ? masked_fill(exact, isinf(exact), 0) : exact).to(given.dtype());

  if (autograd::recording(log_probs)) {
    // In f64 the losses are `exact` itself, and a node must not hold its own result.
    const auto backward = [p, exact = exact.detach(), log_alpha, zero = o.zero_infinity,
                           saved = Saved(log_probs)](const Node& node, const Tensor& grad) {
      const Tensor x = saved.get(node), g = grad.detach().contiguous();
      Tensor result = empty(x.sizes(), x.dtype());
      kernels::ctc_backward(p.arguments(), exact.data<double>().data(), log_alpha.data<double>().data(),
                            g.raw_data(), zero, result.raw_data());
      if (!autograd::grad_enabled()) return result;
      const std::vector<Tensor> inputs{grad, x};
      return autograd::record_not_differentiable("ctc_loss_backward", result, inputs);
    };
    losses = autograd::record(operation, losses, {&log_probs}, backward);
  }
  if (o.reduction == Reduction::mean) losses = losses / clamp_min(p.target_lengths, 1).to(losses.dtype());
  if (unbatched && o.reduction == Reduction::none) losses = losses.squeeze(0);
  return detail::reduced(operation, losses, o.reduction);
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets,
                const std::vector<std::int64_t>& input_lengths,
                const std::vector<std::int64_t>& target_lengths, const CtcLossOptions& options) {
  return ctc_loss(log_probs, targets, from_vector(input_lengths), from_vector(target_lengths), options);
}

}  // namespace mica
