#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "loss_options.h"
#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

Tensor lengths(const Args& a, const char* name, bool unbatched) {
  if (unbatched) return tensor(a.integer(name));
  const Shape values = a.shape(name);
  return from_vector(std::vector<std::int64_t>(values.begin(), values.end()));
}

void call(const Shape& sizes, const Tensor& targets, const std::vector<std::int64_t>& input_lengths,
          const std::vector<std::int64_t>& target_lengths, CtcLossOptions o = {}) {
  ctc_loss(zeros(sizes), targets, input_lengths, target_lengths, o);
}

const table::Rows rows{
    "loss_ctc",
    {{.name = "ctc_loss",
      .golden = {{"ctc_loss",
                  [](Inputs x, const Args& a) {
                    const bool unbatched = x[0].dim() == 2;
                    return std::vector{ctc_loss(log_softmax(x[0], -1), a.tensor("targets"),
                                                lengths(a, "input_lengths", unbatched),
                                                lengths(a, "target_lengths", unbatched),
                                                {.blank = a.maybe_integer("blank").value_or(0),
                                                 .reduction = reduction(a),
                                                 .zero_infinity = a.flag("zero_infinity")})};
                  }}},
      .refusals =
          {{[] { call({4}, tensor({{1}}), {4}, {1}); }, "log_probs of shape [4]"},
           {[] { call({4, 1, 3}, ones({1, 1}), {4}, {1}); }, "targets are f32"},
           {[] { call({4, 1, 3}, tensor({{1}}), {5}, {1}); }, "input_lengths has 5, which is not in 0..4"},
           {[] { call({4, 1, 3}, tensor({{1}}), {4}, {-1}); }, "target_lengths has -1"},
           {[] { call({4, 1, 3}, tensor({{1}}), {4, 4}, {1}); }, "expected one whole number for each of 1"},
           {[] { call({4, 2, 3}, tensor({1, 1, 2}), {4, 4}, {1, 1}); },
            "targets of shape [3] for 2 sequences of 2 labels"},
           {[] { call({4, 1, 3}, tensor({{3}}), {4}, {1}); }, "target 3 is the blank or out of range"},
           {[] { call({4, 1, 3}, tensor({{0}}), {4}, {1}); }, "the blank is 0"},
           {[] { call({4, 1, 3}, tensor({{1}}), {4}, {1}, {.blank = 3}); }, "blank 3 is out of range"},
           {[] { call({4, 1, 3}, tensor({{1}}), {4}, {1}, {.reduction = Reduction::batchmean}); },
            "batchmean"},
           {[] { ctc_loss(zeros({4, 1, 3}, i64), tensor({{1}}), tensor({4}), tensor({1})); }, "got i64"}},
      .without_gradients = "there is no second derivative; CtcLoss.* checks the first"}}};

// The sum of the probabilities of all alignments that collapse to the target, one by one.
double by_enumeration(const Tensor& log_probs, const std::vector<std::int64_t>& target) {
  const std::int64_t steps = log_probs.size(0), classes = log_probs.size(1);
  const auto values = log_probs.to_vector<double>();
  std::vector<std::int64_t> path(static_cast<std::size_t>(steps));
  double total = 0;
  for (;;) {
    std::vector<std::int64_t> collapsed;
    double log_p = 0;
    for (std::size_t t = 0; t < path.size(); ++t) {
      log_p += values[t * static_cast<std::size_t>(classes) + static_cast<std::size_t>(path[t])];
      if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) collapsed.push_back(path[t]);
    }
    if (collapsed == target) total += std::exp(log_p);
    std::size_t t = 0;
    while (t < path.size() && ++path[t] == classes) path[t++] = 0;
    if (t == path.size()) return -std::log(total);
  }
}

TEST(CtcLoss, SumsOverAllAlignments) {
  manual_seed(3);
  const Tensor log_probs = log_softmax(randn({6, 3}, f64), 1);
  for (const std::vector<std::int64_t>& target :
       {std::vector<std::int64_t>{}, {1}, {2, 1}, {1, 1}, {1, 2, 1}, {2, 2, 1}}) {
    const auto count = static_cast<std::int64_t>(target.size());
    const Tensor loss =
        ctc_loss(log_probs, from_vector(target), tensor(6), tensor(count), {.reduction = Reduction::sum});
    EXPECT_NEAR(loss.item(), by_enumeration(log_probs, target), 1e-12) << count;
  }
}

TEST(CtcLoss, HasTheGradientOfItsSoftmax) {
  manual_seed(4);
  const Tensor targets = tensor({{1, 2, 2}, {3, 1, 0}});
  const auto loss = [&](const Tensor& x) {
    return ctc_loss(log_softmax(x, -1), targets, std::vector<std::int64_t>{5, 4}, {3, 2});
  };
  Tensor x = randn({5, 2, 4}, f64).requires_grad_();
  loss(x).backward();
  const auto grad = x.grad().to_vector<double>();
  const NoGrad no_grad;
  Tensor moved = x.detach().clone();
  const auto values = moved.data<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double before = values[i], h = 1e-5;
    values[i] = before + h;
    const double up = loss(moved).item();
    values[i] = before - h;
    const double down = loss(moved).item();
    values[i] = before;
    EXPECT_NEAR(grad[i], (up - down) / (2 * h), 1e-8) << i;
  }
}

TEST(CtcLoss, HasNoSecondDerivative) {
  Tensor x = randn({4, 1, 3}, f64).requires_grad_();
  const Tensor loss = ctc_loss(log_softmax(x, -1), tensor({{1}}), tensor({4}), tensor({1}));
  const Tensor grad = autograd::grad(loss, x, {.create_graph = true});
  EXPECT_THROW(grad.sum().backward(), Error);
}

TEST(CtcLoss, TakesNarrowTypesAndEmptyBatches) {
  const Tensor log_probs = log_softmax(randn({4, 1, 3}), -1);
  const auto loss = [&](DType dtype) {
    return ctc_loss(log_probs.to(dtype), tensor({{1, 2}}), tensor({4}), tensor({2}));
  };
  EXPECT_EQ(loss(bf16).dtype(), bf16);
  EXPECT_NEAR(loss(bf16).item(), loss(f64).item(), 0.05);
  const Tensor none = ctc_loss(zeros({4, 0, 3}), zeros({0, 2}, i64), zeros({0}, i64), zeros({0}, i64),
                               {.reduction = Reduction::none});
  EXPECT_EQ(none.sizes(), Shape(0));
}

}  // namespace
}  // namespace mica
