#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

Tensor mt(const Tensor& x) { return x.transpose(-2, -1); }
Tensor symmetric(const Tensor& x) { return x + mt(x); }
Tensor definite(const Tensor& x) { return matmul(x, mt(x)) + eye(x.size(-1), {}, f64); }
// Far from singular.
Tensor regular(const Tensor& x) { return x + 5 * eye(x.size(-2), x.size(-1), f64); }
// Far from equal values.
Tensor spread(const Tensor& x) {
  return x * 0.3 + eye(x.size(-2), x.size(-1), f64) * (arange(x.size(-1)) * 3 + 3);
}

linalg::QRMode mode_of(const std::string& name) {
  if (name == "r") return linalg::QRMode::r;
  return name == "complete" ? linalg::QRMode::complete : linalg::QRMode::reduced;
}
linalg::UPLO triangle_of(const Args& args) {
  return args.text("uplo") == "U" ? linalg::UPLO::upper : linalg::UPLO::lower;
}

// What does not depend on the signs of the vectors.
std::vector<Tensor> of_svd(const Tensor& x, bool full) {
  const auto [u, s, vt] = linalg::svd(x, full);
  const std::int64_t k = s.size(-1);
  const Tensor left = u.narrow(-1, 0, k);
  const Tensor right = vt.narrow(-2, 0, k);
  return {s, left.abs(), right.abs(), matmul(left, right)};
}
std::vector<Tensor> of_eigh(const Tensor& x, linalg::UPLO triangle) {
  const auto [w, v] = linalg::eigh(x, triangle);
  return {w, v.abs(), matmul(v, w.exp().unsqueeze(-1) * mt(v))};
}

linalg::Triangle triangle_options(const Args& args) {
  return {
      .upper = args.flag("upper"), .left = args.flag("left"), .unitriangular = args.flag("unitriangular")};
}

const double nan = std::numeric_limits<double>::quiet_NaN();

const table::Rows rows{
    "linalg",
    {
        {.name = "linalg::cholesky",
         .golden = {{"cholesky",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::cholesky(x[0], args.flag("upper"))};
                     }}},
         .gradients = {{"Cholesky", [](Inputs x) { return linalg::cholesky(definite(x[0])); }, {{{2, 3, 3}}}},
                       {"CholeskyUpper", [](Inputs x) { return linalg::cholesky(definite(x[0]), true); }, {{{2, 2}}}},
                       {"CholeskyOfNothing", [](Inputs x) { return linalg::cholesky(x[0]); }, {{{0, 2, 2}}}}},
         .refusals = {{[] { linalg::cholesky(-eye(2)); }, "the matrix is not positive definite"},
                      {[] { linalg::cholesky(stack({eye(2), -eye(2)}).unsqueeze(0)); }, "matrix [0, 1] of a batch"},
                      {[] { linalg::cholesky(full({2, 2}, nan)); }, "not positive definite"},
                      {[] { linalg::cholesky(ones({2, 3})); }, "not square"},
                      {[] { linalg::cholesky(eye(2, 2, bf16)); }, "got bf16"}}},
        {.name = "linalg::matrix_exp",
         .golden = {{"matrix_exp", [](Inputs x, const Args&) { return std::vector{linalg::matrix_exp(x[0])}; }}},
         .gradients = {{"MatrixExp", [](Inputs x) { return linalg::matrix_exp(x[0]); }, {{{2, 2, 2}}}},
                       {"MatrixExpSquared", [](Inputs x) { return linalg::matrix_exp(4 * x[0]); }, {{{2, 2}}}},
                       {"MatrixExpOfNothing", [](Inputs x) { return linalg::matrix_exp(x[0]); }, {{{0, 2, 2}}}}},
         .refusals = {{[] { linalg::matrix_exp(full({2, 2}, nan)); }, "not finite"},
                      {[] { linalg::matrix_exp(ones({2, 3})); }, "not square"},
                      {[] { linalg::matrix_exp(eye(2, 2, i64)); }, "got i64"}}},
        {.name = "linalg::solve",
         .golden = {{"solve",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::solve(x[0], x[1], args.flag("left"))};
                     }}},
         .gradients = {{"Solve",
                        [](Inputs x) { return linalg::solve(regular(x[0]), x[1]); },
                        {{{2, 3, 3}}, {{3, 2}}}},
                       {"SolveVector",
                        [](Inputs x) { return linalg::solve(regular(x[0]), x[1]); },
                        {{{3, 3}}, {{3}}}},
                       {"SolveRight",
                        [](Inputs x) { return linalg::solve(regular(x[0]), x[1], false); },
                        {{{2, 2}}, {{3, 2}}}}},
         .refusals = {{[] { linalg::solve(ones({2, 2}), ones({2})); }, "singular"},
                      {[] { linalg::solve(eye(2), ones({3, 1})); }, "right side of shape [3, 1]"},
                      {[] { linalg::solve(eye(2), ones({2, 1}, f64)); }, "f64"},
                      {[] { linalg::solve(ones({3}), ones({3})); }, "no matrix"}}},
        {.name = "linalg::solve_triangular",
         .golden = {{"solve_triangular",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::solve_triangular(x[0], x[1], triangle_options(args))};
                     }}},
         .gradients = {{"SolveUpper",
                        [](Inputs x) { return linalg::solve_triangular(regular(x[0]), x[1], {}); },
                        {{{2, 3, 3}}, {{3, 2}}}},
                       {"SolveLower",
                        [](Inputs x) {
                          return linalg::solve_triangular(regular(x[0]), x[1], {.upper = false, .left = false});
                        },
                        {{{2, 2}}, {{3, 2}}}},
                       {"SolveUnitLower",
                        [](Inputs x) {
                          return linalg::solve_triangular(x[0], x[1], {.upper = false, .unitriangular = true});
                        },
                        {{{3, 3}}, {{3, 2}}}}},
         .refusals = {{[] { linalg::solve_triangular(eye(2), ones({3, 1}), {}); }, "right side of shape"},
                      {[] { linalg::solve_triangular(eye(2), ones({2}), {}); }, "right side of shape [2]"},
                      {[] { linalg::solve_triangular(eye(2, 2, f16), ones({2, 1}, f16), {}); }, "got f16"}}},
        {.name = "linalg::inv",
         .golden = {{"inv", golden::unary(linalg::inv)}},
         .gradients = {{"Inv", [](Inputs x) { return linalg::inv(regular(x[0])); }, {{{2, 3, 3}}}}},
         .refusals = {{[] { linalg::inv(stack({eye(2), zeros({2, 2})})); }, "matrix [1] of a batch of shape [2]"},
                      {[] { linalg::inv(ones({2, 2}, i64)); }, "got i64"}}},
        {.name = "linalg::det",
         .golden = {{"det", golden::unary(linalg::det)}},
         .gradients = {{"Det", [](Inputs x) { return linalg::det(regular(x[0])); }, {{{2, 3, 3}}}}},
         .refusals = {{[] { linalg::det(ones({2, 3})); }, "not square"}}},
        {.name = "linalg::slogdet",
         .golden = {{"slogdet",
                     [](Inputs x, const Args&) {
                       const auto [sign, logabs] = linalg::slogdet(x[0]);
                       return std::vector{sign, logabs};
                     }}},
         .gradients = {{"Slogdet",
                        [](Inputs x) { return linalg::slogdet(regular(x[0])).logabs; },
                        {{{2, 3, 3}}}}},
         .refusals = {{[] { linalg::slogdet(ones({2, 3})); }, "not square"}}},
        {.name = "linalg::qr",
         .golden = {{"qr",
                     [](Inputs x, const Args& args) {
                       const auto [q, r] = linalg::qr(x[0], mode_of(args.text("mode")));
                       return q.defined() ? std::vector{q, r} : std::vector{r};
                     }}},
         .gradients = {{"QrSquare", [](Inputs x) { const auto [q, r] = linalg::qr(regular(x[0])); return cat({q, r}, -1); }, {{{2, 3, 3}}}},
                       {"QrTallQ", [](Inputs x) { return linalg::qr(regular(x[0])).q; }, {{{3, 2}}}},
                       {"QrTallR", [](Inputs x) { return linalg::qr(regular(x[0])).r; }, {{{3, 2}}}},
                       {"QrWide", [](Inputs x) { const auto [q, r] = linalg::qr(regular(x[0])); return cat({q, r}, -1); }, {{{2, 3}}}}},
         .refusals = {{[] { linalg::qr(ones({2})); }, "no matrix"}}},
        {.name = "linalg::svd",
         .golden = {{"svd", [](Inputs x, const Args& args) { return of_svd(x[0], args.flag("full")); }}},
         .gradients = {{"SvdTall", [](Inputs x) { return of_svd(spread(x[0]), false)[3]; }, {{{2, 3, 2}}}},
                       {"SvdWideFull", [](Inputs x) { return of_svd(spread(x[0]), true)[1]; }, {{{2, 3}}}},
                       {"SvdValues", [](Inputs x) { return linalg::svd(spread(x[0])).s; }, {{{2, 2}}}}},
         .refusals = {{[] { linalg::svd(full({2, 2}, nan)); }, "not finite"},
                      {[] { linalg::svd(ones({2, 2}, bf16)); }, "got bf16"}}},
        {.name = "linalg::svdvals",
         .golden = {{"svdvals", golden::unary(linalg::svdvals)}},
         .gradients = {{"Svdvals", [](Inputs x) { return linalg::svdvals(spread(x[0])); }, {{{2, 3, 2}}}}},
         .refusals = {{[] { linalg::svdvals(full({2, 2}, nan)); }, "not finite"}}},
        {.name = "linalg::eigh",
         .golden = {{"eigh",
                     [](Inputs x, const Args& args) { return of_eigh(symmetric(x[0]), triangle_of(args)); }}},
         .gradients = {{"EighValues", [](Inputs x) { return linalg::eigh(symmetric(spread(x[0]))).values; }, {{{2, 3, 3}}}},
                       {"EighVectors", [](Inputs x) { return of_eigh(symmetric(spread(x[0])), linalg::UPLO::lower)[1]; }, {{{3, 3}}}},
                       {"EighUpper", [](Inputs x) { return of_eigh(symmetric(spread(x[0])), linalg::UPLO::upper)[2]; }, {{{2, 2}}}}},
         .refusals = {{[] { linalg::eigh(full({2, 2}, nan)); }, "not finite"},
                      {[] { linalg::eigh(ones({2, 3})); }, "not square"}}},
        {.name = "linalg::eigvalsh",
         .golden = {{"eigvalsh",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::eigvalsh(x[0], triangle_of(args))};
                     }}},
         .gradients = {{"Eigvalsh", [](Inputs x) { return linalg::eigvalsh(symmetric(spread(x[0]))); }, {{{3, 3}}}}},
         .refusals = {{[] { linalg::eigvalsh(full({2, 2}, nan)); }, "not finite"}}},
        {.name = "linalg::pinv",
         .golden = {{"pinv",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::pinv(x[0], args.maybe_real("rtol"))};
                     }}},
         .gradients = {{"PinvTall", [](Inputs x) { return linalg::pinv(regular(x[0])); }, {{{2, 3, 2}}}},
                       {"PinvWide", [](Inputs x) { return linalg::pinv(regular(x[0])); }, {{{2, 3}}}}},
         .refusals = {{[] { linalg::pinv(full({2, 2}, nan)); }, "not finite"}}},
        {.name = "linalg::lstsq",
         .golden = {{"lstsq",
                     [](Inputs x, const Args& args) {
                       const auto [solution, residuals, rank, values] =
                           linalg::lstsq(x[0], x[1], args.maybe_real("rcond"));
                       return std::vector{solution, residuals, rank, values};
                     }},
                    {"lstsq_solution",
                     [](Inputs x, const Args&) { return std::vector{linalg::lstsq(x[0], x[1]).solution}; }}},
         .gradients = {{"LstsqTall", [](Inputs x) { return linalg::lstsq(regular(x[0]), x[1]).solution; }, {{{2, 3, 2}}, {{3, 2}}}},
                       {"LstsqWide", [](Inputs x) { return linalg::lstsq(regular(x[0]), x[1]).solution; }, {{{2, 3}}, {{2}}}},
                       {"LstsqResiduals", [](Inputs x) { return linalg::lstsq(regular(x[0]), x[1]).residuals; }, {{{3, 2}}, {{3, 2}}}}},
         .refusals = {{[] { linalg::lstsq(full({2, 2}, nan), ones({2, 1})); }, "not finite", "linalg::lstsq"},
                      {[] { linalg::lstsq(ones({3, 2}), ones({2, 1})); }, "right side of shape [2, 1]"},
                      {[] { linalg::lstsq(ones({3, 2}), ones({3, 1}, f64)); }, "f64"},
                      {[] { linalg::lstsq(ones({2}), ones({2})); }, "no matrix"}}},
        {.name = "linalg::matrix_rank",
         .golden = {{"matrix_rank",
                     [](Inputs x, const Args&) { return std::vector{linalg::matrix_rank(x[0])}; }}},
         .refusals = {{[] { linalg::matrix_rank(full({2, 2}, nan)); }, "not finite"}},
         .without_gradients = "a count"},
        {.name = "linalg::matrix_power",
         .golden = {{"matrix_power",
                     [](Inputs x, const Args& args) {
                       return std::vector{linalg::matrix_power(x[0], args.integer("n"))};
                     }}},
         .gradients = {{"MatrixPower", [](Inputs x) { return linalg::matrix_power(x[0], 3); }, {{{2, 2, 2}}}},
                       {"MatrixPowerNone", [](Inputs x) { return linalg::matrix_power(x[0], 0); }, {{{2, 2}}}},
                       {"MatrixPowerNegative", [](Inputs x) { return linalg::matrix_power(regular(x[0]), -2); }, {{{2, 2}}}}},
         .refusals = {{[] { linalg::matrix_power(ones({2, 3}), 2); }, "not square"},
                      {[] { linalg::matrix_power(ones({2, 2}), -1); }, "singular", "linalg::inv"}}},
    }};

TEST(Linalg, ReconstructsLargeMatricesAndManySmallOnes) {
  Generator generator(1);
  for (const Shape& sizes : {Shape{150, 90}, Shape{90, 150}, Shape{500, 4, 3}}) {
    const Tensor a = randn(sizes, generator, f64);
    const auto [u, s, vt] = linalg::svd(a, false);
    EXPECT_TRUE(allclose(matmul(u * s.unsqueeze(-2), vt), a, 1e-10, 1e-10));
    const auto [q, r] = linalg::qr(a);
    EXPECT_TRUE(allclose(matmul(q, r), a, 1e-10, 1e-10));
    const Tensor gram = matmul(a, mt(a));
    const auto [w, v] = linalg::eigh(gram);
    EXPECT_TRUE(allclose(matmul(v * w.unsqueeze(-2), mt(v)), gram, 1e-9, 1e-9));
    const Tensor l = linalg::cholesky(gram + eye(gram.size(-1), {}, f64));
    EXPECT_TRUE(allclose(matmul(l, mt(l)), gram + eye(gram.size(-1), {}, f64), 1e-9, 1e-9));
  }
}

TEST(Linalg, DetHasAnExactGradientWhereTheMatrixIsSingular) {
  const Tensor a = from_vector(std::vector<double>{1, 2, 2, 4}, {2, 2}).requires_grad_();
  linalg::det(a).backward();
  EXPECT_TRUE(allclose(a.grad(), from_vector(std::vector<double>{4, -2, -2, 1}, {2, 2})));
}

TEST(Linalg, QrWithoutADerivativeSaysSo) {
  const Tensor a = ones({3, 2}, f64).requires_grad_();
  EXPECT_THROW(linalg::qr(a, linalg::QRMode::complete).q.sum().backward(), Error);
  EXPECT_THROW(linalg::qr(a, linalg::QRMode::r).r.sum().backward(), Error);
}

}  // namespace
}  // namespace mica
