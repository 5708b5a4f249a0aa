// Weight norm, spectral norm and orthogonal weights (torch.nn.utils.parametrizations).
//
//   nn::WeightNorm<nn::Linear> fc{nn::Linear{8, 4}};               // parametrizations.weight.original0, 1
//   nn::SpectralNorm<nn::Conv2d> conv{nn::Conv2d{3, 8, 3}};        // ....original, ....0._u, ....0._v
//   nn::Orthogonal<nn::Linear> q{nn::Linear{8, 8}, {.map = nn::OrthogonalMap::cayley}};
//   auto other = nn::weight_norm<"bias">(nn::Linear{8, 4});        // of another member
//
// Files of the older torch.nn.utils.weight_norm and spectral_norm load as well: nn::load renames their
// weight_g, weight_v, weight_orig and weight_u.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <mica/nn/parametrize.h>

namespace mica::nn {

namespace parametrizations {

// v g / |v|, of two originals: the lengths g and the directions v (Salimans & Kingma 2016). Lengths are those
// of the slices along `dim`, with g of size 1 elsewhere; nullopt, or -1 as in PyTorch: of the whole tensor.
struct WeightNorm : Module {
  std::optional<std::int64_t> dim = 0;

  Tensor forward(const Tensor& g, const Tensor& v);
  std::array<Tensor, 2> right_inverse(const Tensor& value);
  std::string_view printed_type() const { return "_WeightNorm"; }
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(dim)
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> old_names{
      {{"_g", "original0"}, {"_v", "original1"}}};
};

// The weight over its largest singular value (Miyato et al. 2018), which power iterations approximate: some
// at each use in training, none in evaluation. The weight counts as a matrix whose rows are its slices along
// `dim`: by default 1 for transposed convolutions, else 0. A vector is divided by its length. Errors, when
// put on a layer: dim out of range; no iterations.
struct SpectralNorm : Module {
  std::int64_t n_power_iterations = 1;
  double eps = 1e-12;  // added to nothing, but the least length that is divided by
  std::optional<std::int64_t> dim = {};
  Buffer _u, _v;  // NOLINT(readability-identifier-naming,bugprone-reserved-identifier): PyTorch's names
  Mode mode;

  Tensor forward(const Tensor& weight);
  Tensor right_inverse(const Tensor& value) { return value; }
  void attach(const Tensor& value, std::string_view layer);
  std::string_view printed_type() const { return "_SpectralNorm"; }
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(n_power_iterations, eps, dim, _u, _v, mode)
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> old_names{
      {{"_orig", "original"}, {"_u", "0._u"}, {"_v", "0._v"}}};

 private:
  Tensor as_matrix(const Tensor& weight) const;
  void iterate(const Tensor& matrix, std::int64_t times);
};

}  // namespace parametrizations

// How an orthogonal matrix follows from a free one: exp(A) or (1 + A/2) (1 - A/2)^-1 of the skew A made of
// its lower triangle, or the product of the reflections at its columns.
enum class OrthogonalMap : std::uint8_t { matrix_exp, cayley, householder };

namespace parametrizations {

// Matrices with orthonormal columns, or rows if they have fewer rows than columns; batches too
// (Lezcano-Casado 2019). The first value is what the weight was if that is orthogonal, else its Q with R's
// diagonal positive. Shapes: (..., m, n), f32 or f64. Errors, when put on a layer: a vector.
struct Orthogonal : Module {
  std::optional<OrthogonalMap> map = {};  // by default matrix_exp for square matrices, householder for others
  bool use_trivialization = true;         // the map moves away from `base`, instead of from the identity
  Buffer base;                            // (..., k, k), k = max(m, n)

  Tensor forward(const Tensor& x);
  // Without trivialization, only householder has one.
  Tensor right_inverse(const Tensor& value);
  void attach(const Tensor& value, std::string_view layer);
  std::string_view printed_type() const { return "_Orthogonal"; }
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(map, use_trivialization, base)

 private:
  OrthogonalMap map_of(const Tensor& x) const;
};

}  // namespace parametrizations

template <class Layer, MemberName name = "weight">
using WeightNorm = Parametrized<Layer, On<name, parametrizations::WeightNorm>>;
template <class Layer, MemberName name = "weight">
using SpectralNorm = Parametrized<Layer, On<name, parametrizations::SpectralNorm>>;
template <class Layer, MemberName name = "weight">
using Orthogonal = Parametrized<Layer, On<name, parametrizations::Orthogonal>>;

// The same as functions: auto fc = nn::spectral_norm(nn::Linear{8, 4}, {.n_power_iterations = 2}).
struct WeightNormOptions {
  std::optional<std::int64_t> dim = 0;
};
template <MemberName name = "weight", class Layer>
WeightNorm<Layer, name> weight_norm(Layer layer, const WeightNormOptions& options = {}) {
  return WeightNorm<Layer, name>(std::move(layer), parametrizations::WeightNorm{.dim = options.dim});
}
struct SpectralNormOptions {
  std::int64_t n_power_iterations = 1;
  double eps = 1e-12;
  std::optional<std::int64_t> dim = {};
};
template <MemberName name = "weight", class Layer>
SpectralNorm<Layer, name> spectral_norm(Layer layer, const SpectralNormOptions& options = {}) {
  return SpectralNorm<Layer, name>(
      std::move(layer),
      parametrizations::SpectralNorm{
          .n_power_iterations = options.n_power_iterations, .eps = options.eps, .dim = options.dim});
}
struct OrthogonalOptions {
  std::optional<OrthogonalMap> map = {};
  bool use_trivialization = true;
};
template <MemberName name = "weight", class Layer>
Orthogonal<Layer, name> orthogonal(Layer layer, const OrthogonalOptions& options = {}) {
  return Orthogonal<Layer, name>(
      std::move(layer),
      parametrizations::Orthogonal{.map = options.map, .use_trivialization = options.use_trivialization});
}

}  // namespace mica::nn
