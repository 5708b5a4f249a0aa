// The words with which autograd refuses: what was seen, and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/node.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Tensor leaf() { return from_vector(std::vector<double>{1, 2, 3}).requires_grad_(); }

TEST(AutogradErrors, ASecondBackwardOverAFreedGraph) {
  const Tensor y = square(leaf()).sum();
  y.backward();
  EXPECT_THAT(message_of([&] { y.backward(); }),
              AllOf(HasSubstr("[backward] the graph was freed by an earlier backward pass (at operation "),
                    HasSubstr("hint: call backward({}, {.retain_graph = true}) the first time")));
}

TEST(AutogradErrors, BackwardOfANonScalar) {
  EXPECT_THAT(
      message_of([] { (leaf() * 2).backward(); }),
      AllOf(HasSubstr("[backward] a tensor of shape [3] is no scalar"),
            HasSubstr("hint: reduce it with sum() or mean(), or give backward() a gradient of its shape")));
  EXPECT_THAT(message_of([] { (leaf() * 2).backward(ones({2}, f64)); }),
              HasSubstr("gradient of shape [2] for an output of shape [3]"));
}

TEST(AutogradErrors, AnOutputThatRequiresNoGradient) {
  EXPECT_THAT(message_of([] { ones({2}).sum().backward(); }),
              AllOf(HasSubstr("[backward] a tensor of shape [] depends on nothing that requires a gradient"),
                    HasSubstr("hint: was it computed under NoGrad")));
  const Tensor x = leaf();
  EXPECT_THAT(message_of([&] { autograd::grad(x.detach().sum(), x); }),
              HasSubstr("[grad] a tensor of shape []"));
  EXPECT_THAT(
      message_of([&] { autograd::grad(x.sum(), x.detach()); }),
      AllOf(HasSubstr("[grad] an input of shape [3] requires no gradient"), HasSubstr("requires_grad_()")));
}

TEST(AutogradErrors, AnInputThatTheOutputsDoNotDependOn) {
  const Tensor x = leaf();
  EXPECT_THAT(
      message_of([&] { autograd::grad(x.sum(), leaf()); }),
      AllOf(HasSubstr("[grad] the outputs do not depend on input 0 (shape [3])"), HasSubstr("allow_unused")));
}

TEST(AutogradErrors, ALeafChangedInPlace) {
  EXPECT_THAT(message_of([] { leaf().add_(1); }),
              AllOf(HasSubstr("[add_] a leaf that requires a gradient, f64 [3], cannot be changed in place"),
                    HasSubstr("hint: to initialise or update a parameter, do it under NoGrad")));
}

TEST(AutogradErrors, ASavedTensorChangedInPlaceNamesWhoSavedAndWhoChangedIt) {
  Tensor factor = ones({3}, f64);
  const Tensor y = (leaf() * factor).sum();
  factor.sub_(1);
  EXPECT_THAT(
      message_of([&] { y.backward(); }),
      AllOf(HasSubstr("[mul] the input that it saved for backward, f64 [3], was changed in place afterwards "
                      "by sub_ (version"),
            HasSubstr("hint: change a clone()")));
  Tensor result = exp(leaf());
  const Tensor sum = result.sum();
  result.fill_(1);
  EXPECT_THAT(message_of([&] { sum.backward(); }),
              AllOf(HasSubstr("[exp] the result"), HasSubstr("by fill_")));
}

TEST(AutogradErrors, AnOperationWithoutADerivativeSaysSoAtBackward) {
  const Tensor x = leaf();
  const Tensor y = autograd::record_not_differentiable("quantum", x.detach() * 1, {&x, 1});
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              AllOf(HasSubstr("[backward] operation quantum has no derivative"),
                    HasSubstr("hint: detach() its input")));
}

}  // namespace
}  // namespace mica
