#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include <mica/nn/adaptive.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/softmax.h>

namespace mica::nn {

AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss(std::int64_t in, std::int64_t classes,
                                                       std::vector<std::int64_t> limits,
                                                       const AdaptiveLogSoftmaxOptions& o)
    : in_features(in),
      n_classes(classes),
      cutoffs(std::move(limits)),
      div_value(o.div_value),
      head_bias(o.head_bias) {
  detail::forbid_construction_inside_forward("nn::AdaptiveLogSoftmaxWithLoss");
  const bool rise = std::ranges::adjacent_find(cutoffs, std::greater_equal<>()) == cutoffs.end();
  if (cutoffs.empty() || !rise || cutoffs.front() <= 0 || cutoffs.back() > classes - 1) {
    throw Error("AdaptiveLogSoftmaxWithLoss",
                fmt::format("{} cutoffs for {} classes", cutoffs.size(), classes),
                "there must be one at least, and they must rise within 1 and n_classes - 1");
  }
  if (!(div_value > 0)) {
    throw Error("AdaptiveLogSoftmaxWithLoss", fmt::format("div_value is {}", div_value),
                "it must be positive");
  }
  const auto clusters = static_cast<std::int64_t>(cutoffs.size());
  cutoffs.push_back(classes);
  head = Linear(in, cutoffs[0] + clusters, {.bias = head_bias, .dtype = o.dtype});
  tail.reserve(static_cast<std::size_t>(clusters));
  for (std::size_t i = 0; i + 1 < cutoffs.size(); ++i) {
    const double width =
        std::floor(static_cast<double>(in) / std::pow(div_value, static_cast<double>(i + 1)));
    const auto hidden = static_cast<std::int64_t>(width);
    const LinearOptions options{.bias = false, .dtype = o.dtype};
    Linear down(in, hidden, options);
    Linear up(hidden, cutoffs[i + 1] - cutoffs[i], options);
    tail.emplace_back(std::move(down), std::move(up));
  }
}

void AdaptiveLogSoftmaxWithLoss::reset_parameters() {
  head.reset_parameters();
  for (Sequential& projection : tail) {
    for (AnyModule& stage : projection) {
      if (auto* linear = stage.get_if<Linear>()) linear->reset_parameters();
    }
  }
}

std::pair<Tensor, Tensor> AdaptiveLogSoftmaxWithLoss::forward(const Tensor& x, const Tensor& target) {
  const bool batched = target.dim() == 1;
  if (target.dim() > 1 || x.dim() != target.dim() + 1 || (batched && x.size(0) != target.size(0))) {
    throw Error("AdaptiveLogSoftmaxWithLoss",
                fmt::format("x of shape {} and target of shape {}", mica::to_string(x.sizes()),
                            mica::to_string(target.sizes())),
                "expected (N, in_features) and (N), or (in_features) and ()");
  }
  if (target.dtype() != i64 && target.dtype() != i32) {
    throw Error("AdaptiveLogSoftmaxWithLoss", fmt::format("target is {}", name(target.dtype())), "use i64");
  }
  const Tensor input = batched ? x : x.unsqueeze(0);
  const auto classes = target.to_vector<std::int64_t>();
  for (const std::int64_t c : classes) {
    if (c < 0 || c >= n_classes) {
      throw Error("AdaptiveLogSoftmaxWithLoss",
                  fmt::format("target {} is out of range for {} classes", c, n_classes));
    }
  }

  // Each target's place in the head, and those of each cluster.
  const std::int64_t shortlist = cutoffs[0];
  std::vector<std::int64_t> places = classes;
  std::vector<std::vector<std::int64_t>> rows(tail.size());
  std::vector<std::vector<std::int64_t>> inside(tail.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] < shortlist) continue;
    const auto above = std::ranges::upper_bound(cutoffs, classes[i]);
    const auto cluster = static_cast<std::size_t>(above - cutoffs.begin()) - 1;
    places[i] = shortlist + static_cast<std::int64_t>(cluster);
    rows[cluster].push_back(static_cast<std::int64_t>(i));
    inside[cluster].push_back(classes[i] - cutoffs[cluster]);
  }

  Tensor output = log_softmax(head(input), 1).gather(1, from_vector(places).unsqueeze(1)).squeeze(1);
  for (std::size_t i = 0; i < tail.size(); ++i) {
    if (rows[i].empty()) continue;
    const Tensor at = from_vector(rows[i]);
    const Tensor local = log_softmax(tail[i](input.index_select(0, at)), 1);
    output = output.index_add(0, at, local.gather(1, from_vector(inside[i]).unsqueeze(1)).squeeze(1));
  }
  Tensor loss = (-output).mean();
  return {batched ? output : output.squeeze(0), loss};
}

Tensor AdaptiveLogSoftmaxWithLoss::full_log_prob(const Tensor& x, const Tensor& head_output) {
  const Tensor head_log = log_softmax(head_output, 1);
  std::vector<Tensor> parts{head_log.narrow(1, 0, cutoffs[0])};
  parts.reserve(tail.size() + 1);
  for (std::size_t i = 0; i < tail.size(); ++i) {
    const Tensor of_cluster = head_log.narrow(1, cutoffs[0] + static_cast<std::int64_t>(i), 1);
    parts.push_back(log_softmax(tail[i](x), 1) + of_cluster);
  }
  return cat(parts, 1);
}

namespace {
void check_batch(const char* operation, const Tensor& x) {
  if (x.dim() == 2) return;
  throw Error(operation, fmt::format("x has the shape {}", mica::to_string(x.sizes())),
              "expected (N, in_features)");
}
}  // namespace

Tensor AdaptiveLogSoftmaxWithLoss::log_prob(const Tensor& x) {
  check_batch("AdaptiveLogSoftmaxWithLoss::log_prob", x);
  return full_log_prob(x, head(x));
}

Tensor AdaptiveLogSoftmaxWithLoss::predict(const Tensor& x) {
  check_batch("AdaptiveLogSoftmaxWithLoss::predict", x);
  const Tensor head_output = head(x).detach();
  Tensor best = head_output.argmax(1);
  const Tensor rest = ge(best, cutoffs[0]).nonzero().flatten();
  if (rest.numel() == 0) return best;
  const Tensor all = full_log_prob(x.detach().index_select(0, rest), head_output.index_select(0, rest));
  return best.index_copy(0, rest, all.argmax(1));
}

}  // namespace mica::nn
