#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/distance.h>
#include <mica/ops/pointwise.h>

namespace mica {

namespace {

void check_p(const char* name, double p) {
  if (!(p >= 0)) throw Error(name, fmt::format("p is {}, which is no norm", p), "p must be 0 or more");
}

// (..., P, D), (..., R, D) -> (..., P, R) with the matrix product. Rounding may make squares negative.
Tensor euclidean_by_product(const Tensor& x1, const Tensor& x2) {
  const Tensor squares = square(x1).sum({-1}, true) + square(x2).sum({-1}).unsqueeze(-2);
  const Tensor squared = squares - x1.matmul(x2.transpose(-2, -1)) * 2;
  const Tensor apart = gt(squared.detach(), 0);  // the slope of the root is infinite at 0
  return where(apart, sqrt(where(apart, squared, 1)), 0);
}

}  // namespace

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceOptions& options) {
  if (x1.dim() == 0 && x2.dim() == 0) {
    throw Error("pairwise_distance", "of two numbers", "expected vectors, (..., D)");
  }
  return (x1 - x2 + options.eps).norm(options.p, {-1}, options.keepdim);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t dim, double eps) {
  const DType type = ops::result_type(x1, x2);
  if (!is_floating_point(type)) {
    throw Error("cosine_similarity",
                fmt::format("both tensors are {}, which is not floating point", name(type)));
  }
  const Shape sizes = broadcast_shapes(x1.sizes(), x2.sizes(), "cosine_similarity");
  const int d = wrap_dim(dim, sizes.size(), "cosine_similarity");
  const Shape along = sizes.empty() ? Shape() : Shape(d);
  // Divided by their lengths first: the result stays within [-1, 1].
  const auto unit = [&](const Tensor& given) {
    const Tensor x = given.to(type).expand(sizes);
    return x / clamp_min(x.norm(2, along, true), eps);
  };
  return (unit(x1) * unit(x2)).sum(along);
}

Tensor pdist(const Tensor& x, double p) {
  ops::check_floating("pdist", x);
  check_p("pdist", p);
  if (x.dim() != 2)
    throw Error("pdist", fmt::format("x has the shape {}", to_string(x.sizes())), "expected (N, D)");
  const std::int64_t n = x.size(0);
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> second;
  const auto pairs = static_cast<std::size_t>(n > 1 ? n * (n - 1) / 2 : 0);
  first.reserve(pairs);
  second.reserve(pairs);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = i + 1; j < n; ++j) {
      first.push_back(i);
      second.push_back(j);
    }
  }
  return (x.index_select(0, from_vector(first)) - x.index_select(0, from_vector(second))).norm(p, {1});
}

Tensor cdist(const Tensor& x1, const Tensor& x2, const CdistOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(cdist, x1, x2, options);
  ops::check_floating("cdist", x1);
  ops::check_same_dtype("cdist", x1, "x1", x2, "x2");
  check_p("cdist", options.p);
  if (x1.dim() < 2 || x2.dim() < 2 || x1.size(-1) != x2.size(-1)) {
    throw Error("cdist", fmt::format("shapes {} and {}", to_string(x1.sizes()), to_string(x2.sizes())),
                "expected (..., P, D) and (..., R, D)");
  }
  const bool large = x1.size(-2) > 25 || x2.size(-2) > 25;
  const bool product = options.compute_mode == CdistMode::use_mm ||
                       (options.compute_mode == CdistMode::use_mm_if_necessary && large);
  if (options.p == 2 && product) return euclidean_by_product(x1, x2);
  return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(options.p, {-1});
}

}  // namespace mica
