#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/search.h>
#include <mica/ops/compare.h>
#include <mica/ops/count.h>
#include <mica/ops/creation.h>
#include <mica/ops/reduction.h>

namespace mica {

Tensor count_nonzero(const Tensor& x, const Shape& dims) {
  return ops::sum_over(ne(x.detach(), 0), ops::dim_mask("count_nonzero", dims, x.sizes().size()), false);
}

namespace {

// The largest element, of those that must be at least 0; -1 of none.
std::int64_t largest_number(const Tensor& x) {
  if (!is_integral(x.dtype()) || x.dim() != 1) {
    throw Error("bincount", fmt::format("x is {} of shape {}", name(x.dtype()), to_string(x.sizes())),
                "give a vector of integers");
  }
  if (x.numel() == 0) return -1;
  if (const auto least = x.min().item<std::int64_t>(); least < 0)
    throw Error("bincount", fmt::format("x contains {}", least), "only numbers from 0 are counted");
  return x.max().item<std::int64_t>();
}

}  // namespace

Tensor bincount(const Tensor& x, const Tensor& weights, std::int64_t minlength) {
  if (minlength < 0) throw Error("bincount", fmt::format("minlength is {}", minlength), "use 0 or more");
  const Shape bins = std::max(largest_number(x) + 1, minlength);
  const Tensor index = x.to(i64);
  if (!weights.defined()) return zeros(bins, i64).scatter_add(0, index, ones({}, i64).expand(x.sizes()));
  if (weights.sizes() != x.sizes()) {
    throw Error("bincount", fmt::format("weights have shape {}, x has {}", to_string(weights.sizes()),
                                        to_string(x.sizes())));
  }
  const Tensor w = weights.dtype() == f32 ? weights : weights.to(f64);
  return zeros(bins, w.dtype()).scatter_add(0, index, w);
}

namespace {

struct Range {
  double low, high;
};
Range range_of(const Tensor& x, const HistcOptions& options) {
  Range range{options.min, options.max};
  if (range.low == range.high && x.numel() > 0) range = {x.min().item<double>(), x.max().item<double>()};
  if (range.low == range.high) range = {range.low - 1, range.high + 1};
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high) {
    throw Error("histc", fmt::format("the range is {} to {}", range.low, range.high),
                "give finite ones, min below max");
  }
  return range;
}

}  // namespace

Tensor histc(const Tensor& given, const HistcOptions& options) {
  ops::check_floating("histc", given);
  if (options.bins < 1) throw Error("histc", fmt::format("bins is {}", options.bins), "use 1 or more");
  const Tensor x = given.detach().to(ops::compute_type(given.dtype())).contiguous();
  const auto [low, high] = range_of(x, options);
  Tensor counts = zeros({options.bins}, x.dtype());
  kernels::histogram(x.dtype(), x.numel(), x.raw_data(), options.bins, low, high, counts.raw_data());
  counts = counts.to(given.dtype());
  if (!autograd::recording(given)) return counts;
  const Tensor inputs[] = {given};
  return autograd::record_not_differentiable("histc", counts, inputs);
}

namespace {

Tensor search(const char* name, const Tensor& sorted, const Tensor& values, bool right) {
  ops::check_same_dtype(name, sorted, "the sorted sequence", values, "the values");
  Shape leading = sorted.sizes();
  bool fits = sorted.dim() > 0;
  if (sorted.dim() > 1) {
    fits = sorted.dim() == values.dim();
    for (int i = 0; fits && i < leading.size() - 1; ++i) fits = leading[i] == values.sizes()[i];
  }
  if (!fits) {
    throw Error(name,
                fmt::format("the sorted sequence has shape {}, the values have {}", to_string(sorted.sizes()),
                            to_string(values.sizes())),
                "all sizes but the last must agree, or the sequence have one dimension");
  }
  const DType type = ops::compute_type(sorted.dtype());
  const Tensor s = sorted.detach().to(type).contiguous();
  const Tensor v = values.detach().to(type).contiguous();
  Tensor out = empty(v.sizes(), i64);
  if (out.numel() == 0) return out;
  const bool shared = s.dim() == 1;
  const std::int64_t m = shared ? v.numel() : v.sizes().back();
  kernels::search_sorted({type, v.numel() / m, s.sizes().back(), m, shared, right}, s.raw_data(),
                         v.raw_data(), out.data<std::int64_t>().data());
  return out;
}

}  // namespace

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  return search("searchsorted", sorted, values, right);
}
Tensor searchsorted(const Tensor& sorted, Scalar value, bool right) {
  if (sorted.dim() != 1) {
    throw Error("searchsorted",
                fmt::format("a number, and a sequence of shape {}", to_string(sorted.sizes())),
                "give a sequence of one dimension");
  }
  return search("searchsorted", sorted, full({}, value, sorted.dtype()), right);
}
Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right) {
  if (boundaries.dim() != 1) {
    throw Error("bucketize", fmt::format("the boundaries have shape {}", to_string(boundaries.sizes())),
                "give one dimension");
  }
  return search("bucketize", boundaries, values, right);
}

}  // namespace mica
