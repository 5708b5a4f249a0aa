#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;
using linalg::MatrixNorm;
using linalg::Norm;

const double infinity = std::numeric_limits<double>::infinity();

std::optional<MatrixNorm> norm_of(const Args& args) {
  if (args.has("name")) return args.text("name") == "nuc" ? Norm::nuc : Norm::fro;
  if (args.has("order")) return args.real("order", 0);
  return {};
}

// Far from equal values, sums and absolute values, and from 0.
Tensor spread(const Tensor& x) {
  return x * 0.3 + eye(x.size(-2), x.size(-1), f64) * (arange(x.size(-1)) * 3 + 3);
}
gradients::Case of_order(const char* name, MatrixNorm norm) {
  return {name, [norm](Inputs x) { return linalg::matrix_norm(spread(x[0]), norm); }, {{{2, 3, 2}}}};
}

const table::Rows rows{
    "linalg_norm",
    {
        {.name = "linalg::matrix_norm",
         .golden = {{"matrix_norm",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::matrix_norm(x[0], norm_of(args).value_or(Norm::fro),
                                                              args.shape("dims"), args.flag("keepdim"))};
                     }}},
         .gradients = {of_order("MatrixNormFro", Norm::fro), of_order("MatrixNormNuc", Norm::nuc),
                       of_order("MatrixNormOne", 1), of_order("MatrixNormMinusOne", -1),
                       of_order("MatrixNormInfinity", infinity), of_order("MatrixNormTwo", 2),
                       of_order("MatrixNormMinusTwo", -2)},
         .refusals = {{[] { linalg::matrix_norm(ones({2, 2}), 3); }, "the norm is 3"},
                      {[] { linalg::matrix_norm(ones({2})); }, "shape [2]"},
                      {[] { linalg::matrix_norm(ones({2, 2}), 1, {1, -1}); }, "two different ones"},
                      {[] { linalg::matrix_norm(ones({2, 2}), 1, {0}); }, "two dimensions"},
                      {[] { linalg::matrix_norm(ones({2, 2}), 1, {0, 2}); }, "2"},
                      {[] { linalg::matrix_norm(zeros({3, 0}), 1); }, "amax", "amax"},
                      {[] { linalg::matrix_norm(ones({2, 2}, bf16), 2); }, "got bf16", "linalg::svdvals"}}},
        {.name = "linalg::norm",
         .golden = {{"norm",
                     [](Inputs x, const Args& args) {
                       return std::vector{
                           linalg::norm(x[0], norm_of(args), args.shape("dims"), args.flag("keepdim"))};
                     }}},
         .gradients = {{"LinalgNormOfAll", [](Inputs x) { return linalg::norm(x[0]); }, {{{2, 3}}}},
                       {"LinalgNormOfMatrix",
                        [](Inputs x) { return linalg::norm(spread(x[0]), Norm::nuc); },
                        {{{3, 2}}}},
                       {"LinalgNormOfVectors",
                        [](Inputs x) { return linalg::norm(spread(x[0]), 3, {1}); },
                        {{{3, 2}}}}},
         .refusals = {{[] { linalg::norm(ones({2, 2, 2}), 2); }, "shape [2, 2, 2]"},
                      {[] { linalg::norm(ones({2, 2, 2}), 2, {0, 1, 2}); }, "[0, 1, 2]"},
                      {[] { linalg::norm(ones({2}), Norm::fro); }, "give two dimensions"},
                      {[] { linalg::norm(ones({}), 2); }, "shape []"}}},
        {.name = "linalg::vector_norm",
         .golden = {{"vector_norm",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::vector_norm(x[0], args.real("p", 2), args.shape("dims"),
                                                              args.flag("keepdim"))};
                     }}},
         .gradients =
             {{"VectorNorm", [](Inputs x) { return linalg::vector_norm(x[0], 3, {0}, true); }, {{{2, 3}}}}},
         .refusals = {{[] { linalg::vector_norm(ones({2}, i64)); }, "i64", "norm"}}},
    }};

}  // namespace
}  // namespace mica
