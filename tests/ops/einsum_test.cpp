#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

std::vector<Tensor> listed(Inputs x) { return {x.begin(), x.end()}; }
gradients::Function of(const char* equation) {
  return [equation](Inputs x) { return einsum(equation, listed(x)); };
}
table::Refusal refused(const char* equation, const std::vector<Shape>& shapes, const char* words) {
  return {[=] {
            std::vector<Tensor> operands;
            for (const Shape& sizes : shapes) operands.push_back(ones(sizes));
            einsum(equation, operands);
          },
          words};
}

const table::Rows rows{
    "einsum",
    {
        {.name = "einsum",
         .golden = {{"einsum",
                     [](Inputs x, const Args& args) {
                       return std::vector{einsum(args.text("equation"), listed(x))};
                     }}},
         .gradients = {{"EinsumProduct", of("ij,jk->ik"), {{{2, 3}}, {{3, 2}}}},
                       {"EinsumBatches", of("...ij,...jk->...ki"), {{{2, 1, 2, 2}}, {{2, 2, 1}}}},
                       {"EinsumDiagonal", of("iij->ij"), {{{2, 2, 2}}}},
                       {"EinsumTrace", of("ii"), {{{3, 3}}}},
                       {"EinsumElements", of("ij,ij->ij"), {{{2, 3}}, {{2, 1}}}},
                       {"EinsumThree", of("bn,anm,bm->ba"), {{{2, 2}}, {{1, 2, 2}}, {{2, 2}}}},
                       {"EinsumOverNothing", of("ij,jk->ik"), {{{2, 0}}, {{0, 2}}}},
                       {"EinsumScalars", of(",->"), {{{}}, {{}}}}},
         .refusals = {refused("ij,j?->i", {{2, 2}, {2, 2}}, "    ij,j?->i\n        ^"),
                      refused("ij,j?->i", {{2, 2}, {2, 2}}, "'?' is no letter"),
                      refused("i..", {{2}}, "come in threes"),
                      refused("...i...", {{2}}, "second time in one term"),
                      refused("i-i", {{2}}, "a '-' without '>'"),
                      refused("i->i->", {{2}}, "    i->i->\n        ^"),
                      refused("i->ii", {{2}}, "'i' a second time in the result"),
                      refused("i->j", {{2}}, "no operand has a dimension 'j'"),
                      refused("i->i,i", {{2}}, "only one term"),
                      refused("i,i", {{2}}, "2 terms for 1 operands"),
                      refused("ij", {{2}}, "names 2 dimensions"),
                      refused("i", {{2, 3}}, "names 1 dimensions"),
                      refused("ii", {{2, 3}}, "2 and 3"),
                      refused("ij,jk", {{2, 3}, {2, 3}}, "'j' stands for 3 in operand 0"),
                      refused("...,...", {{2}, {3}}, "'...' stands for 2"),
                      refused("", {}, "1 terms for 0 operands"),
                      {[] { einsum("i,i", {ones({2}), ones({2}, f64)}); }, "f64"}}},
        {.name = "tensordot",
         .golden =
             {{"tensordot",
               [](Inputs x,
                  const Args& args) { return std::vector{tensordot(x[0], x[1], args.integer("dims"))}; }},
              {"tensordot_pairs",
               [](Inputs x,
                  const Args&
                      args) { return std::vector{tensordot(x[0], x[1], args.shape("a"), args.shape("b"))}; }}},
         .gradients =
             {{"Tensordot", [](Inputs x) { return tensordot(x[0], x[1]); }, {{{2, 2, 3}}, {{2, 3, 1}}}},
              {"TensordotPairs",
               [](Inputs x) { return tensordot(x[0], x[1], {0, 2}, {1, 0}); },
               {{{2, 2, 3}}, {{3, 2}}}},
              {"TensordotOuter", [](Inputs x) { return tensordot(x[0], x[1], 0); }, {{{2}}, {{3}}}}},
         .refusals = {{[] { tensordot(ones({2}), ones({2}), 2); }, "2 dimensions of shapes"},
                      {[] { tensordot(ones({2}), ones({2}), -1); }, "-1 dimensions"},
                      {[] { tensordot(ones({2, 3}), ones({2, 3}), 1); }, "size 3 of dimension 1"},
                      {[] { tensordot(ones({2, 2}), ones({2, 2}), {0, 1}, {0}); }, "no pairs"},
                      {[] { tensordot(ones({2, 2}), ones({2, 2}), {0, 0}, {0, 1}); }, "occurs twice"},
                      {[] { tensordot(ones({2, 2}), ones({2, 2}), {0, 1}, {1, -1}); }, "occurs twice"},
                      {[] { tensordot(ones({2}), ones({2}), {1}, {0}); }, "1"},
                      {[] { tensordot(ones({2}), ones({2}, f64), 1); }, "f64"}}},
    }};

TEST(Einsum, DoesNotSpendDimensionsOnNamesThatAreGone) {
  // ten names, never more than eight dimensions at a time
  const Tensor a = ones({2, 2, 2, 2, 2});
  const Tensor y = einsum("abcde,efghi,ij->aj", {a, a, ones({2, 3})});
  EXPECT_EQ(y.sizes(), Shape({2, 3}));
  EXPECT_EQ(y[0][0].item(), 256);
}

}  // namespace
}  // namespace mica
