#include <cmath>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/autograd/node.h>
#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

Tensor leaf(std::vector<double> values) { return from_vector(values).requires_grad_(); }
using Numbers = std::vector<double>;
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

// ---- what arrives in grad() ----

TEST(Engine, SumsThePathsOfADiamond) {
  const Tensor x = leaf({2});
  const Tensor a = x * 3;
  const Tensor b = square(x);
  (a * b + a).sum().backward();  // 3 x^3 + 3 x
  EXPECT_EQ(numbers(x.grad()), std::vector<double>{9 * 4 + 3});
}

TEST(Engine, SumsOverEveryUseOfALeaf) {
  const Tensor x = leaf({1, 2});
  Tensor y = zeros({2}, f64);
  for (int i = 1; i <= 20; ++i) y = y + x * i;
  y.sum().backward();
  EXPECT_EQ(numbers(x.grad()), (std::vector<double>{210, 210}));
}

TEST(Engine, AddsToTheGradientThatIsThere) {
  const Tensor x = leaf({1, 2});
  (x * 2).sum().backward();
  (x * 3).sum().backward();
  EXPECT_EQ(numbers(x.grad()), (std::vector<double>{5, 5}));
}

// The gradient of sum() is one number seen many times; adding another gradient to it must not write through
// that view.
TEST(Engine, AddsToGradientsThatAreExpandedViews) {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = x * 1;
  const Tensor squares = square(y).sum() * 2;
  const Tensor plain = y.sum() * 3;  // recorded last, so its gradient arrives first
  (squares + plain).backward();
  EXPECT_EQ(numbers(x.grad()), (std::vector<double>{7, 11, 15}));
  const Tensor z = leaf({1, 2, 3});
  const Tensor squares_of_leaf = square(z).sum() * 2;
  EXPECT_EQ(numbers(autograd::grad(squares_of_leaf + z.sum() * 3, z)), (std::vector<double>{7, 11, 15}));
}

TEST(Engine, GradientsHaveMemoryOfTheirOwn) {
  for (const bool create_graph : {false, true}) {
    const Tensor x = leaf({1, 2});
    const Tensor y = leaf({3, 4});
    const Tensor direction = ones({2}, f64);
    (x + y).backward(direction, {.create_graph = create_graph});
    EXPECT_FALSE(x.grad().shares_storage(y.grad()));
    EXPECT_FALSE(x.grad().shares_storage(direction));
    const NoGrad no_grad;
    x.grad().detach().add_(5);
    EXPECT_EQ(numbers(y.grad()), (std::vector<double>{1, 1}));
    EXPECT_EQ(numbers(direction), (std::vector<double>{1, 1}));
  }
}

TEST(Engine, GradientsLieInMemoryAsTheirLeaf) {
  const Tensor x = zeros({2, 3}, f64).t().requires_grad_();
  (x * x + x).sum().backward();
  EXPECT_EQ(x.grad().strides(), x.strides());
}

TEST(Engine, ReducesGradientsOfBroadcastInputs) {
  const Tensor row = ones({3}, f64).requires_grad_();
  const Tensor column = ones({2, 1}, f64).requires_grad_();
  const Tensor number = ones({}, f64).requires_grad_();
  (row + column + number).sum().backward();
  EXPECT_EQ(numbers(row.grad()), std::vector<double>(3, 2));
  EXPECT_EQ(numbers(column.grad()), std::vector<double>(2, 3));
  EXPECT_EQ(column.grad().sizes(), Shape({2, 1}));
  EXPECT_EQ(number.grad().item(), 6);
  EXPECT_EQ(number.grad().dim(), 0);
}

TEST(Engine, GradientsOfALeafFollowTheDirectionGiven) {
  const Tensor x = leaf({1, 2});
  x.backward(from_vector(std::vector<double>{5, 6}));
  EXPECT_EQ(numbers(x.grad()), (std::vector<double>{5, 6}));
}

TEST(Engine, SeveralOutputsAreOnePass) {
  const Tensor x = leaf({2});
  const Tensor shared = square(x);
  const Tensor outputs[] = {shared.sum(), shared * 3, x};
  const Tensor directions[] = {Tensor(), from_vector(std::vector<double>{10}), Tensor()};
  autograd::backward(outputs, directions);
  EXPECT_EQ(numbers(x.grad()), std::vector<double>{4 + 120 + 1});
  EXPECT_THROW(autograd::backward(outputs, {directions, 2}), Error);
}

// ---- when a pass is refused ----

TEST(Engine, ASecondPassNeedsRetainGraph) {
  const Tensor x = leaf({3});
  const Tensor kept = square(x).sum();
  kept.backward({}, {.retain_graph = true});
  kept.backward();
  EXPECT_EQ(numbers(x.grad()), std::vector<double>{12});
  try {
    kept.backward();
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.message().find("freed"), std::string::npos);
    EXPECT_NE(e.hint().find("retain_graph"), std::string::npos);
  }
}

TEST(Engine, BackwardStartsFromOneNumberOrADirection) {
  const Tensor x = leaf({1, 2});
  EXPECT_THROW((x * 2).backward(), Error);
  EXPECT_THROW((x * 2).backward(ones({3}, f64)), Error);
  EXPECT_THROW(ones({1}).backward(), Error);  // nothing to differentiate
  EXPECT_THROW(Tensor().backward(), Error);
  EXPECT_FALSE(x.grad().defined());
  (x * 2).narrow(0, 0, 1).backward();  // one element, not 0-d
  EXPECT_EQ(numbers(x.grad()), (std::vector<double>{2, 0}));
}

// ---- grad() ----

TEST(Engine, GradLeavesTheLeavesAlone) {
  const Tensor x = leaf({2});
  const Tensor y = leaf({3});
  const Tensor z = x * y;
  EXPECT_EQ(autograd::grad(z, x).item(), 3);
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(y.grad().defined());
}

TEST(Engine, GradRunsOnlyWhatLeadsToItsInputs) {
  const Tensor x = leaf({2});
  const Tensor y = leaf({3});
  const Tensor blocked = autograd::record_not_differentiable("blocked", y.detach() * 1, {&y, 1});
  const Tensor z = x * 2 + blocked;
  EXPECT_EQ(autograd::grad(z, x).item(), 2);  // does not pass through `blocked`
  EXPECT_THROW(autograd::grad(z, y), Error);
}

TEST(Engine, GradTakesResultsOfOperationsAsInputs) {
  const Tensor x = leaf({2});
  const Tensor y = square(x);
  const Tensor z = (y * y).sum();
  const Tensor inputs[] = {y, x, z};
  const auto grads = autograd::grad({&z, 1}, inputs);
  EXPECT_EQ(grads[0].item(), 8);
  EXPECT_EQ(grads[1].item(), 32);
  EXPECT_EQ(grads[2].item(), 1);
}

TEST(Engine, GradOfUnusedInputsIsAnErrorUnlessAllowed) {
  const Tensor x = leaf({2});
  const Tensor unused = leaf({3});
  const Tensor inputs[] = {x, unused};
  const Tensor y = square(x);
  EXPECT_THROW(autograd::grad({&y, 1}, inputs, {}, {.retain_graph = true}), Error);
  const auto grads = autograd::grad({&y, 1}, inputs, {}, {.allow_unused = true});
  EXPECT_EQ(grads[0].item(), 4);
  EXPECT_FALSE(grads[1].defined());
  const Tensor constant = ones({1}, f64);
  EXPECT_THROW(autograd::grad(square(x), constant), Error);
}

TEST(Engine, GradTakesOneInputTwiceAndOutputsThatAreLeaves) {
  const Tensor x = leaf({2});
  const Tensor y = x * 3;
  const Tensor outputs[] = {y, x};
  const Tensor inputs[] = {x, y, x, y};
  const auto grads = autograd::grad(outputs, inputs);
  EXPECT_EQ(numbers(grads[0]), Numbers{4});
  EXPECT_EQ(numbers(grads[1]), Numbers{1});
  EXPECT_EQ(numbers(grads[2]), Numbers{4});
  EXPECT_EQ(numbers(grads[3]), Numbers{1});
}

TEST(Engine, GradGoesOnThroughAnInputToAnother) {
  const Tensor x = leaf({2});
  const Tensor y = square(x);
  const Tensor z = y * x;
  const Tensor inputs[] = {y, x};
  const auto grads = autograd::grad({&z, 1}, inputs, {}, {.retain_graph = true});
  EXPECT_EQ(numbers(grads[0]), Numbers{2});
  EXPECT_EQ(numbers(grads[1]), Numbers{12});
  EXPECT_EQ(numbers(autograd::grad(z, x)), Numbers{12});  // retain_graph kept it
  EXPECT_THROW(autograd::grad(z, x), Error);
}

// ---- higher derivatives ----

TEST(Engine, CreateGraphGivesDerivativesOfDerivatives) {
  const Tensor x = leaf({1.5});
  Tensor y = pow(x, 5);
  const double expected[] = {5 * std::pow(1.5, 4), 20 * std::pow(1.5, 3), 60 * std::pow(1.5, 2)};
  for (const double value : expected) {
    y = autograd::grad(y, x, {.create_graph = true});
    EXPECT_NEAR(y.item(), value, 1e-12);
    EXPECT_TRUE(y.requires_grad());
  }
}

TEST(Engine, PlainPassesRecordNothing) {
  const Tensor x = leaf({1.5});
  EXPECT_FALSE(autograd::grad(pow(x, 3), x).requires_grad());
  pow(x, 3).backward();
  EXPECT_FALSE(x.grad().requires_grad());
}

TEST(Engine, BackwardWithCreateGraphGivesDifferentiableGradients) {
  Tensor x = leaf({2, 3});
  pow(x, 3).sum().backward({}, {.create_graph = true});
  const Tensor penalty = square(x.grad()).sum();  // 9 x^4
  const Tensor second = autograd::grad(penalty, x);
  EXPECT_EQ(numbers(second), (std::vector<double>{36 * 8, 36 * 27}));
  x.set_grad({});  // a gradient with a graph refers to its own leaf
}

// ---- threads, memory ----

TEST(Engine, SeparateGraphsRunOnSeparateThreads) {
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  const Tensor shared = full({16, 16}, 0.01, f64);  // read by all
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      const Tensor x = full({16, 16}, static_cast<double>(t + 1), f64).requires_grad_();
      for (int step = 0; step < 20; ++step) (tanh(matmul(x, shared)) + x).sum().backward();
      results[t] = x.grad().sum().item();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < results.size(); ++t) {
    const double u = 0.16 * static_cast<double>(t + 1);
    const double slope = 1 - std::tanh(u) * std::tanh(u);
    EXPECT_NEAR(results[t], 20 * 256 * (0.16 * slope + 1), 1e-6);
  }
}

TEST(Engine, GraphsOnSeveralThreadsMayShareLeaves) {
  const Tensor shared = zeros({100}, f64).requires_grad_();
  const Tensor other = ones({100}, f64).requires_grad_();
  constexpr int passes = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < passes; ++i) ((shared * other + shared) * 2).sum().backward();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbers(shared.grad()), Numbers(100, 4 * passes * 4));
  EXPECT_EQ(numbers(other.grad()), Numbers(100, 0));
}

TEST(Engine, TrainingHoldsNoMoreMemoryAfter10000Steps) {
  Tensor parameters[] = {randn({8, 4}).requires_grad_(), zeros({8}).requires_grad_(),
                         randn({3, 8}).requires_grad_(), zeros({3}).requires_grad_()};
  const Tensor x = randn({5, 4});
  const Tensor target = tensor({0, 1, 2, 1, 0});
  double last = 0;
  const auto step = [&] {
    const Tensor hidden = relu(linear(x, parameters[0], parameters[1]));
    const Tensor loss = cross_entropy(linear(hidden, parameters[2], parameters[3]), target);
    loss.backward();
    last = loss.item();
    const NoGrad no_grad;
    for (Tensor& p : parameters) {
      p.sub_(p.grad() * 0.01);
      p.set_grad({});
    }
  };
  for (int i = 0; i < 10; ++i) step();
  const double first = last;
  const auto warm = memory_stats();
  for (int i = 0; i < 10'000; ++i) step();
  EXPECT_EQ(memory_stats().in_use, warm.in_use);
  EXPECT_EQ(memory_stats().system_allocations, warm.system_allocations);
  EXPECT_LT(last, first);
}

}  // namespace
}  // namespace mica
