#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/checkpoint.h>
#include <mica/autograd/engine.h>
#include <mica/autograd/gradcheck.h>
#include <mica/autograd/hooks.h>
#include <mica/core/allocator.h>
#include <mica/core/random.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::checkpoint;
using testing::HasSubstr;
using Inputs = std::span<const Tensor>;
using Numbers = std::vector<double>;

Tensor leaf(Numbers values) { return from_vector(values).requires_grad_(); }
Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }

TEST(Checkpoint, GivesTheSameGradientsRunningTheFunctionAgain) {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  int runs = 0;
  const auto fn = [&](const Tensor& in) {
    ++runs;
    return tanh(in * w) * w;
  };
  const Tensor y = checkpoint(fn, x);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(y.grad_fn_name(), "checkpoint");
  EXPECT_EQ(numbers(y), numbers(fn(x)));
  y.sum().backward();
  EXPECT_EQ(runs, 3);
  const Tensor inputs[] = {x, w};
  const auto plain = autograd::grad(std::vector{fn(x).sum()}, inputs);
  EXPECT_EQ(numbers(x.grad()), numbers(plain[0]));
  EXPECT_EQ(numbers(w.grad()), numbers(plain[1]));
}

TEST(Checkpoint, ParametersGetGradientsThoughNoInputNeedsOne) {
  const Tensor w = leaf({3, 4});
  const Tensor x = from_vector(Numbers{1, 2});
  checkpoint([&](const Tensor& in) { return in * w; }, x).sum().backward();
  EXPECT_EQ(numbers(w.grad()), (Numbers{1, 2}));
}

TEST(Checkpoint, HasSecondDerivativesAlsoBySharedAndRelatedInputs) {
  const std::vector<Tensor> in{leaf({0.5, 1.5}), leaf({2, -1})};
  const auto fn = [](Inputs x) {
    const Tensor related = x[0] * x[1];  // depends on what the segment captures and on its other input
    const Tensor captured = exp(x[0]);   // a result from outside
    const Tensor w = x[1];
    return checkpoint([=](const Tensor& a, const Tensor& b) { return tanh(a * w) * b + captured * a; }, x[0],
                      related);
  };
  EXPECT_EQ(autograd::gradcheck(fn, in), "");
  EXPECT_EQ(autograd::gradgradcheck(fn, in), "");
}

TEST(Checkpoint, Nests) {
  const Tensor x = leaf({0.5, 1.5});
  const Tensor w = leaf({2, 3});
  const auto inner = [w](const Tensor& in) { return tanh(in * w); };
  const auto outer = [inner](const Tensor& in) { return checkpoint(inner, checkpoint(inner, in)) * in; };
  const std::vector<Tensor> in{x, w};
  EXPECT_EQ(autograd::gradcheck([&](Inputs v) { return checkpoint(outer, v[0]); }, in), "");
  EXPECT_EQ(autograd::gradgradcheck([&](Inputs v) { return checkpoint(outer, v[0]); }, in), "");
}

TEST(Checkpoint, DropsTheSameAgain) {
  const Tensor x = ones({1000}).requires_grad_();
  manual_seed(1);
  const Tensor y = checkpoint([](const Tensor& in) { return dropout(in, 0.5, true); }, x);
  const Tensor next = rand({3});
  y.sum().backward();
  EXPECT_EQ(numbers(x.grad()), numbers(y.detach()));
  const Tensor after = rand({3});
  manual_seed(1);  // the second run has left no trace in the generator
  static_cast<void>(dropout(ones({1000}), 0.5, true));
  EXPECT_EQ(numbers(next), numbers(rand({3})));
  EXPECT_EQ(numbers(after), numbers(rand({3})));
}

TEST(Checkpoint, SeveralInputsAndResults) {
  const Tensor x = leaf({1, 2});
  const Tensor steps = arange(2);  // integers pass through
  const auto [sum, product] =
      checkpoint([](const Tensor& a, const Tensor& n) { return std::pair{a + n, a * n}; }, x, steps);
  (sum + product * 10).sum().backward();
  EXPECT_EQ(numbers(x.grad()), (Numbers{1, 11}));
  // One of them unused.
  const auto both = checkpoint([](const Tensor& a) { return std::array{a * 2, a * 3}; }, x);
  EXPECT_EQ(numbers(autograd::grad(both[1].sum(), x)), (Numbers{3, 3}));
}

TEST(Checkpoint, RecordsNothingUnderNoGradAndForConstants) {
  const Tensor x = leaf({1, 2});
  const auto fn = [](const Tensor& in) { return in * 2; };
  EXPECT_FALSE(checkpoint(fn, x.detach()).requires_grad());
  const NoGrad off;
  EXPECT_FALSE(checkpoint(fn, x).requires_grad());
}

TEST(Checkpoint, HooksSeeGradientsOnce) {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  std::vector<Numbers> seen;
  const auto see = [&](const Tensor& grad) { seen.push_back(numbers(grad)); };
  const Tensor h = x * 2;
  const auto on_result = h.register_hook(see);
  const auto on_leaf = w.register_hook(see);
  checkpoint([&](const Tensor& in) { return in * w + h; }, h).sum().backward();
  EXPECT_THAT(seen, testing::UnorderedElementsAre(Numbers{4, 5}, Numbers{2, 4}));
}

TEST(Checkpoint, HoldsTheInsidesOfOneSegmentOnly) {
  const Tensor x = full({1 << 16}, 0.5).requires_grad_();
  const auto segment = [](const Tensor& in) {
    Tensor h = in;
    for (int i = 0; i < 8; ++i) h = tanh(h);
    return h;
  };
  const auto peak = [&](bool checkpointed) {
    reset_peak_memory();
    const auto before = memory_stats().in_use;
    Tensor h = x;
    for (int i = 0; i < 8; ++i) h = checkpointed ? checkpoint(segment, h) : segment(h);
    h.sum().backward();
    return memory_stats().peak_in_use - before;
  };
  peak(false);
  const auto plain = peak(false);
  EXPECT_LT(peak(true), plain / 2);
}

TEST(Checkpoint, RefersToWhatCannotBeCopied) {
  struct Scale {
    std::unique_ptr<double> by = std::make_unique<double>(3);
    Tensor operator()(const Tensor& x) { return x * *by; }
  } scale;
  const Tensor x = leaf({1});
  const Tensor y = checkpoint(scale, x);
  EXPECT_EQ(numbers(autograd::grad(y.sum(), x)), Numbers{3});
}

TEST(Checkpoint, ErrorsSayWhatChanged) {
  const Tensor x = leaf({1, 2});
  Tensor w = leaf({3, 4});
  Tensor h = x * 1;
  const Tensor changed_input = checkpoint([](const Tensor& in) { return tanh(in); }, h).sum();
  h.add_(1);
  EXPECT_THAT(message_of([&] { changed_input.backward(); }),
              HasSubstr("[checkpoint] the input that it saved"));
  const Tensor changed_leaf = checkpoint([&](const Tensor& in) { return in * w; }, x).sum();
  {
    const NoGrad off;
    w.add_(1);
  }
  EXPECT_THAT(message_of([&] { changed_leaf.backward(); }), HasSubstr("changed in place afterwards by add_"));

  int runs = 0;
  const Tensor shrinks =
      checkpoint([&](const Tensor& in) { return in.narrow(0, 0, runs++ == 0 ? 2 : 1) * 1; }, x).sum();
  EXPECT_THAT(message_of([&] { shrinks.backward(); }),
              HasSubstr("result 0 was f64 [2], and when run again f64 [1]"));
  runs = 0;
  const Tensor strays = checkpoint([&](const Tensor& in) { return runs++ == 0 ? in * 2 : in * w; }, x).sum();
  EXPECT_THAT(message_of([&] { strays.backward(); }), HasSubstr("did not use before"));
  const Tensor twice = checkpoint([](const Tensor& in) { return in * 2; }, x);
  twice.sum().backward();
  EXPECT_THAT(message_of([&] { twice.sum().backward(); }), HasSubstr("freed by an earlier backward pass"));
}

}  // namespace
}  // namespace mica
