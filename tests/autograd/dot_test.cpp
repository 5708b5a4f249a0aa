#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/dot.h>
#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

using testing::HasSubstr;

TEST(Dot, ShowsOperationsShapesAndNames) {
  const Tensor w = ones({2, 3}).requires_grad_();
  const Tensor b = ones({3}).requires_grad_();
  const Tensor y = exp(w) + b;
  EXPECT_EQ(autograd::to_dot(y, {.names = {{"fc.weight", w}, {"say \"b\"\\", b}}}), R"(digraph {
  node [fontname="monospace"]
  y0 [shape=box, style="rounded,filled", fillcolor="#d5e8d4", label="output 0\nf32 [2, 3]"]
  n0 -> y0
  n0 [label="add\n[2, 3]"]
  n1 -> n0
  x2 [shape=box, style=filled, fillcolor="#dae8fc", label="say \"b\"\\\nf32 [3]"]
  x2 -> n0
  n1 [label="exp\n[2, 3]"]
  x3 [shape=box, style=filled, fillcolor="#dae8fc", label="fc.weight\nf32 [2, 3]"]
  x3 -> n1
}
)");
}

TEST(Dot, TwoDrawingsOfOneGraphAreTheSame) {
  const auto draw = [] {
    const Tensor x = ones({2}).requires_grad_();
    Tensor y = x;
    for (int i = 0; i < 50; ++i) y = y * x + y;
    return autograd::to_dot(y);
  };
  EXPECT_EQ(draw(), draw());
}

TEST(Dot, DrawsSharedPartsOnceAndConstantsNot) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor shared = exp(x);
  const std::vector<Tensor> outputs{shared * 2, shared + ones({2}), ones({1}), x};
  const std::string text = autograd::to_dot(outputs);
  std::size_t count = 0;
  for (std::size_t at = text.find("label=\"exp"); at != std::string::npos;
       at = text.find("label=\"exp", at + 1))
    ++count;
  EXPECT_EQ(count, 1U);
  EXPECT_THAT(text, HasSubstr("y2 [shape=box"));
  EXPECT_THAT(text, HasSubstr("-> y3"));
}

TEST(Dot, SaysUnderAnomalyWhichModuleRecorded) {
  const Anomaly anomaly;
  const autograd::ForwardScope scope("Net");
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_THAT(autograd::to_dot(exp(x)), HasSubstr("label=\"exp\\n[2]\\nNet\""));
}

}  // namespace
}  // namespace mica
