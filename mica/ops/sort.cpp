#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/sort.h>
#include <mica/ops/creation.h>
#include <mica/ops/reduction.h>
#include <mica/ops/sort.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Rank;

namespace {

// Without history, row-major, with dimension d last.
Tensor to_rows(const Tensor& x, int d) {
  const Tensor plain = x.detach();
  return (x.sizes().empty() ? plain : plain.movedim({d}, {-1})).contiguous();
}
// Rows of results with dimension d where it was: new memory, no view.
Tensor from_rows(const Tensor& rows, int d) {
  if (rows.sizes().empty() || d == rows.dim() - 1) return rows;
  const Tensor y = rows.movedim({-1}, {d});
  return y.is_contiguous() ? y.clone() : y.contiguous();
}

std::int64_t size_along(const Tensor& x, int d) { return x.sizes().empty() ? 1 : x.sizes()[d]; }

// The first k in order, along one dimension.
ValuesIndices ordered(const char* name, const Tensor& x, std::int64_t k, int d, bool descending) {
  const Tensor rows = to_rows(x, d);
  Shape sizes = rows.sizes();
  if (!sizes.empty()) sizes[sizes.size() - 1] = k;
  Tensor values = empty(sizes, x.dtype());
  Tensor indices = empty(sizes, i64);
  if (values.numel() > 0) {
    kernels::sort_rows(x.dtype(), values.numel() / k, size_along(x, d), k, descending, rows.raw_data(),
                       values.raw_data(), indices.data<std::int64_t>().data());
  }
  const Tensor at = from_rows(indices, d);
  return {ops::record_selection(name, from_rows(values, d), x, d, at, false), at};
}

// One element along a dimension.
ValuesIndices selected(const char* name, Rank rank, const Tensor& x, std::int64_t k, int d, bool keepdim) {
  ops::check_not_empty(name, x.sizes(), 1U << d);
  const Tensor rows = to_rows(x, d);
  Tensor values = empty(ops::reduced_sizes(x.sizes(), 1U << d, keepdim), x.dtype());
  Tensor indices = empty(values.sizes(), i64);
  if (values.numel() > 0) {
    kernels::select_rows(rank, x.dtype(), values.numel(), size_along(x, d), k, rows.raw_data(),
                         values.raw_data(), indices.data<std::int64_t>().data());
  }
  return {ops::record_selection(name, values, x, d, indices, !keepdim), indices};
}

ValuesIndices median_along(const char* name, Rank rank, const Tensor& x, std::int64_t dim, bool keepdim) {
  return selected(name, rank, x, 0, wrap_dim(dim, x.sizes().size(), name), keepdim);
}

Tensor median_of_all(const char* name, Rank rank, const Tensor& x) {
  if (x.numel() == 0 && x.is_floating_point())
    return full({}, std::numeric_limits<double>::quiet_NaN(), x.dtype());
  if (x.numel() == 0) throw Error(name, fmt::format("nothing to reduce in shape {}", to_string(x.sizes())));
  Tensor y = selected(name, rank, x.detach().flatten(), 0, 0, false).values;
  if (!recording(x)) return y;
  return record(name, y, {&x}, [x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor input = x.get(node);
    return ops::shared_evenly(grad, input, y.get(node), ops::dim_mask("median", {}, input.sizes().size()));
  });
}

}  // namespace

ValuesIndices Tensor::sort(std::int64_t dim, bool descending, bool /*stable: always*/) const {
  const int d = wrap_dim(dim, sizes().size(), "sort");
  return ordered("sort", *this, size_along(*this, d), d, descending);
}

Tensor Tensor::argsort(std::int64_t dim, bool descending, bool /*stable: always*/) const {
  const int d = wrap_dim(dim, sizes().size(), "argsort");
  return ordered("sort", detach(), size_along(*this, d), d, descending).indices;
}

ValuesIndices Tensor::topk(std::int64_t k, std::int64_t dim, bool largest, bool /*sorted: always*/) const {
  const int d = wrap_dim(dim, sizes().size(), "topk");
  if (const std::int64_t n = size_along(*this, d); k < 0 || k > n) {
    throw Error("topk", fmt::format("k is {}, dimension {} of shape {} has {} elements", k, d,
                                    to_string(sizes()), n));
  }
  if (sizes().empty() && k == 0) {
    throw Error("topk", "k is 0 for a tensor without dimensions", "unsqueeze(0) it first");
  }
  return ordered("topk", *this, k, d, largest);
}

ValuesIndices kthvalue(const Tensor& x, std::int64_t k, std::int64_t dim, bool keepdim) {
  const int d = wrap_dim(dim, x.sizes().size(), "kthvalue");
  if (const std::int64_t n = size_along(x, d); k < 1 || k > n) {
    throw Error(
        "kthvalue",
        fmt::format("k is {}, dimension {} of shape {} has {} elements", k, d, to_string(x.sizes()), n),
        "k counts from 1, the smallest");
  }
  return selected("kthvalue", Rank::kth, x, k, d, keepdim);
}

Tensor Tensor::median() const { return median_of_all("median", Rank::median, *this); }
ValuesIndices Tensor::median(std::int64_t dim, bool keepdim) const {
  return median_along("median", Rank::median, *this, dim, keepdim);
}
Tensor nanmedian(const Tensor& x) { return median_of_all("nanmedian", Rank::nanmedian, x); }
ValuesIndices nanmedian(const Tensor& x, std::int64_t dim, bool keepdim) {
  return median_along("nanmedian", Rank::nanmedian, x, dim, keepdim);
}

}  // namespace mica
