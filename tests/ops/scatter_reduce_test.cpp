#include <map>
#include <string>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

Tensor some_rows() { return tensor({{2, 0, 2, 1}, {0, 0, 1, 2}}); }

ScatterReduce reduction(const std::string& name) {
  const std::map<std::string, ScatterReduce> all{{"sum", ScatterReduce::sum},
                                                 {"prod", ScatterReduce::prod},
                                                 {"mean", ScatterReduce::mean},
                                                 {"amax", ScatterReduce::amax},
                                                 {"amin", ScatterReduce::amin}};
  return all.at(name);
}

std::vector<gradients::Case> scatter_reduce_gradients() {
  std::vector<gradients::Case> cases;
  for (const char* name : {"sum", "prod", "mean", "amax", "amin"}) {
    for (const bool include_self : {true, false}) {
      const auto fn = [=](Inputs x) {
        return square(scatter_reduce(x[0], 0, some_rows(), x[1], reduction(name), include_self));
      };
      const std::string suffix = include_self ? "" : "WithoutSelf";
      // Expanded inputs have ties, where extrema have no derivative.
      const bool smooth = std::string(name).starts_with("am") == false;
      cases.push_back({"ScatterReduce_" + std::string(name) + suffix, fn, {{{3, 4}}, {{2, 4}}}, smooth});
    }
  }
  // A factor of zero, alone among those of its element: the first input times a mask.
  cases.push_back({"ScatterReduce_prodWithAZero",
                   [](Inputs x) {
                     const Tensor factors = x[1] * tensor({0.0, 1.0, 1.0, 1.0});
                     return square(
                         scatter_reduce(x[0], 0, tensor({0, 0, 1, 0}), factors, ScatterReduce::prod));
                   },
                   {{{2}}, {{4}}}});
  return cases;
}

// In a product of two zeros, the derivative in both of them is not zero.
void differentiate_product_of_two_zeros_twice() {
  const Tensor x = ones({1}, f64), source = zeros({2}, f64).requires_grad_();
  const Tensor y = scatter_reduce(x, 0, tensor({0, 0}), source, ScatterReduce::prod);
  autograd::grad(y.sum(), source, {.create_graph = true}).sum().backward();
}

const table::Rows rows{
    "scatter_reduce",
    {
        {.name = "scatter_reduce",
         .golden = {{"scatter_reduce",
                     [](Inputs x, const Args& a) {
                       return std::vector{scatter_reduce(x[0], a.integer("dim"), x[1], x[2],
                                                         reduction(a.text("reduce")),
                                                         a.flag("include_self"))};
                     }}},
         .gradients = scatter_reduce_gradients(),
         .refusals = {{[] { scatter_reduce(zeros({3}), 0, tensor({3}), zeros({1}), ScatterReduce::sum); },
                       "index 3 at position [0]"},
                      {[] { scatter_reduce(zeros({3}), 0, tensor({0, 1}), zeros({1}), ScatterReduce::mean); },
                       "source of shape [1]"},
                      {[] {
                         scatter_reduce(zeros({3}), 0, tensor({0}), zeros({1}, i32), ScatterReduce::prod);
                       },
                       "the source is i32"},
                      {[] { differentiate_product_of_two_zeros_twice(); }, "has no derivative", "backward"}}},
    }};

}  // namespace
}  // namespace mica
