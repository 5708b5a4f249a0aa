// The matrix exponential by scaling and squaring of a Padé approximant (Higham 2005), composed of
// differentiable operations.
#include <array>
#include <cmath>
#include <span>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/detail.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/matrices.h>
#include <mica/ops/pointwise.h>

namespace mica::linalg {

namespace {

// p(a) / p(-a), p the polynomial of these coefficients, is exp(a) to rounding if the 1-norm is at most
// `reach`.
struct Pade {
  std::span<const double> coefficients;
  double reach;
};
constexpr std::array<double, 4> degree_3{120, 60, 12, 1};
constexpr std::array<double, 6> degree_5{30240, 15120, 3360, 420, 30, 1};
constexpr std::array<double, 8> degree_7{17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr std::array<double, 10> degree_9{17643225600, 8821612800, 2075673600, 302702400, 30270240,
                                          2162160,     110880,     3960,       90,        1};
constexpr std::array<double, 14> degree_13{64764752532480000,
                                           32382376266240000,
                                           7771770303897600,
                                           1187353796428800,
                                           129060195264000,
                                           10559470521600,
                                           670442572800,
                                           33522128640,
                                           1323241920,
                                           40840800,
                                           960960,
                                           16380,
                                           182,
                                           1};
constexpr std::array<Pade, 3> f32_degrees{
    {{degree_3, 4.258730016922831e-1}, {degree_5, 1.880152677804762}, {degree_7, 3.925724783138660}}};
constexpr std::array<Pade, 5> f64_degrees{{{degree_3, 1.495585217958292e-2},
                                           {degree_5, 2.539398330063230e-1},
                                           {degree_7, 9.504178996162932e-1},
                                           {degree_9, 2.097847961257068},
                                           {degree_13, 5.371920351148152}}};

// sum c[first + 2 i] a^(2 i), up to the highest power given.
Tensor even_sum(std::span<const double> c, std::size_t first, std::span<const Tensor> even_powers,
                const Tensor& identity) {
  Tensor sum = identity * c[first];
  for (std::size_t i = 0; i < even_powers.size() && first + 2 * (i + 1) < c.size(); ++i)
    sum = sum + even_powers[i] * c[first + 2 * (i + 1)];
  return sum;
}

Tensor pade(const Tensor& a, std::span<const double> c, const Tensor& identity) {
  std::array<Tensor, 4> powers;  // a^2, a^4...
  const std::size_t degree = c.size() - 1;
  const std::size_t count = degree == 13 ? 3 : degree / 2;
  powers[0] = matmul(a, a);
  for (std::size_t i = 1; i < count; ++i) powers[i] = matmul(powers[i - 1], powers[0]);
  const std::span<const Tensor> known(powers.data(), count);
  Tensor odd, even;
  if (degree == 13) {  // the powers above the sixth are products by that
    const auto high = [&](std::size_t first) {
      return matmul(powers[2], powers[0] * c[first] + powers[1] * c[first + 2] + powers[2] * c[first + 4]);
    };
    odd = even_sum(c.first(8), 1, known, identity) + high(9);
    even = even_sum(c.first(8), 0, known, identity) + high(8);
  } else {
    odd = even_sum(c, 1, known, identity);
    even = even_sum(c, 0, known, identity);
  }
  odd = matmul(a, odd);
  return solve(even - odd, even + odd);
}

}  // namespace

Tensor matrix_exp(const Tensor& a) {
  if (autocast_enabled()) return ops::autocast_off(matrix_exp, a);
  constexpr const char* operation = "linalg::matrix_exp";
  if (ops::compute_type(a.dtype()) != a.dtype()) return matrix_exp(a.to(f32)).to(a.dtype());
  ops::check_square(operation, a);
  if (a.numel() == 0) return a.clone();
  const double norm = matrix_norm(a.detach(), 1).max().item();
  if (!std::isfinite(norm)) throw Error(operation, "the matrix is not finite");
  const std::span<const Pade> degrees = a.dtype() == f64 ? std::span<const Pade>(f64_degrees) : f32_degrees;
  std::size_t i = 0;
  while (i + 1 < degrees.size() && norm > degrees[i].reach) ++i;
  // exp(a) = exp(a / 2^n)^(2^n)
  const int halvings =
      norm > degrees[i].reach ? static_cast<int>(std::ceil(std::log2(norm / degrees[i].reach))) : 0;
  Tensor out = pade(a * std::ldexp(1.0, -halvings), degrees[i].coefficients, ops::identity_like(a));
  for (int squarings = 0; squarings < halvings; ++squarings) out = matmul(out, out);
  return out;
}

}  // namespace mica::linalg
