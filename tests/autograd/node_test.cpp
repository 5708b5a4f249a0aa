#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

TEST(Node, RecordsOnlyWhatNeedsAGradient) {
  const Tensor x = ones({2}, f64).requires_grad_();
  const Tensor constant = ones({2}, f64);
  EXPECT_TRUE((constant * 2).is_leaf());
  EXPECT_FALSE((constant * 2).requires_grad());
  EXPECT_TRUE((x * constant).requires_grad());
  EXPECT_EQ((x * constant).grad_fn_name(), "mul");
  EXPECT_EQ(x.grad_fn_name(), "");
  const NoGrad no_grad;
  EXPECT_TRUE((x * 2).is_leaf());
}

TEST(Node, KnowsItsInputsAndOutputs) {
  const Tensor x = ones({2, 3}, f64).requires_grad_();
  const Tensor y = x + ones({3});
  const auto edge = autograd::edge_to(y);
  ASSERT_TRUE(edge.node);
  const auto& node = static_cast<const Node&>(*edge.node);
  EXPECT_STREQ(node.name(), "add");
  ASSERT_EQ(node.edges().size(), 2U);
  EXPECT_TRUE(node.needs(0));
  EXPECT_FALSE(node.needs(1));
  EXPECT_EQ(node.edges()[0].leaf.get(), x.impl().get());
  ASSERT_EQ(node.outputs().size(), 1U);
  EXPECT_EQ(node.outputs()[0].sizes, Shape({2, 3}));
  EXPECT_EQ(node.outputs()[0].dtype, f64);
  EXPECT_FALSE(autograd::edge_to(ones({2})));
  EXPECT_FALSE(autograd::edge_to(Tensor()));
}

TEST(Node, LaterOperationsHaveLargerNumbers) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  const Tensor z = y * 2;
  const auto sequence = [](const Tensor& t) {
    return static_cast<const Node&>(*autograd::edge_to(t).node).sequence();
  };
  EXPECT_LT(sequence(y), sequence(z));
}

// ---- operations of one's own ----

Tensor twice(const Tensor& x) {
  Tensor y = autograd::grad_enabled() ? (x.detach() * 2) : x * 2;
  if (!autograd::recording(x)) return y;
  return autograd::record("twice", y, {&x}, [](const Node&, const Tensor& grad) { return grad * 2; });
}

TEST(Node, OwnOperationsTakePartInTheGraph) {
  const Tensor x = full({3}, 3, f64).requires_grad_();
  const Tensor y = twice(square(x));
  EXPECT_EQ(y.grad_fn_name(), "twice");
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 12));
}

// (x, y) -> (x + y, x * y) as one operation.
std::array<Tensor, 2> sum_and_product(const Tensor& x, const Tensor& y) {
  const std::array<Tensor, 2> results{x.detach() + y.detach(), x.detach() * y.detach()};
  if (!autograd::recording(x, y)) return results;
  autograd::record_several("sum_and_product", results, {&x, &y},
                           [x = Saved(x), y = Saved(y)](const Node& node, std::span<const Tensor> grads) {
                             std::array<Tensor, 2> out;
                             const auto add_to = [](Tensor& into, const Tensor& grad) {
                               into = into.defined() ? into + grad : grad;
                             };
                             if (grads[0].defined()) out = {grads[0], grads[0]};
                             if (grads[1].defined()) {
                               add_to(out[0], grads[1] * y.get(node));
                               add_to(out[1], grads[1] * x.get(node));
                             }
                             return out;
                           });
  return results;
}

TEST(Node, OfSeveralResultsGetsAGradientForThoseThatWereUsed) {
  const Tensor x = full({1}, 3, f64).requires_grad_();
  const Tensor y = full({1}, 5, f64).requires_grad_();
  const auto gradients = [&](const Tensor& of) {
    const Tensor inputs[] = {x, y};
    const auto g = autograd::grad({&of, 1}, inputs);
    return std::vector{g[0].item(), g[1].item()};
  };
  EXPECT_EQ(gradients(sum_and_product(x, y)[0]), (std::vector<double>{1, 1}));
  EXPECT_EQ(gradients(sum_and_product(x, y)[1]), (std::vector<double>{5, 3}));
  const auto both = sum_and_product(x, y);
  EXPECT_EQ(gradients(both[0] * both[1]), (std::vector<double>{5 * 8 + 15, 3 * 8 + 15}));
}

TEST(Node, IntegerResultsHaveNoHistory) {
  const Tensor x = ones({3}).requires_grad_();
  EXPECT_FALSE(x.max(0).indices.requires_grad());
  EXPECT_FALSE(x.argmax().requires_grad());
  EXPECT_FALSE(x.to(i64).requires_grad());
}

TEST(Node, WithoutADerivativeThrowsByNameAtBackward) {
  const Tensor x = ones({3}).requires_grad_();
  const Tensor y = autograd::record_not_differentiable("round", x.detach() * 1, {&x, 1});
  EXPECT_TRUE(y.requires_grad());
  try {
    y.sum().backward();
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.message().find("round"), std::string::npos);
    EXPECT_NE(e.hint().find("detach"), std::string::npos);
  }
}

TEST(Node, BackwardRulesOfTheWrongShapeAreNamed) {
  const Tensor x = ones({3}).requires_grad_();
  const Tensor y = autograd::record("lopsided", x.detach() * 1, {&x},
                                    [](const Node&, const Tensor&) { return ones({2}); });
  try {
    y.sum().backward();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.operation(), "lopsided");
    EXPECT_NE(e.message().find("[2]"), std::string::npos);
  }
}

// ---- deep graphs ----

constexpr int depth = 200'000;

void run_deep_chain() {
  const Tensor x = ones({1}, f64).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = y + x;
  y.backward();
  EXPECT_EQ(x.grad().item(), depth + 1);
}

void drop_deep_chain() {
  const Tensor x = ones({1}, f64).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = y * x;  // saved tensors hold the chain together as well
  y = Tensor();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Node, ChainsOf200000RunAndEndWithoutRecursion) {
  run_deep_chain();
  drop_deep_chain();
}

TEST(Node, DeepChainsFitASmallStack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} * 1024), 0);
  pthread_t thread;
  const auto body = [](void*) -> void* {
    run_deep_chain();
    drop_deep_chain();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace mica
