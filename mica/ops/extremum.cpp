#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/reduce.h>
#include <mica/ops/reduction.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Reduce;

namespace {

Tensor extremum(const char* name, Reduce op, const Tensor& x, const Shape& dims, bool keepdim) {
  const std::uint32_t mask = ops::dim_mask(name, dims, x.sizes().size());
  ops::check_not_empty(name, x.sizes(), mask);
  Tensor y = ops::reduce(op, x, mask, keepdim);
  if (!recording(x)) return y;
  return record(name, y, {&x},
                [mask, x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  return ops::shared_evenly(grad, x.get(node), y.get(node), mask);
                });
}

struct ArgReduced {
  Tensor values, indices;
  int dim;
};

ArgReduced arg_reduce(const char* name, bool largest, const Tensor& given, std::int64_t dim, bool keepdim) {
  const DType type = ops::compute_type(given.dtype());
  const Tensor x = given.dtype() == type ? given.detach() : ops::convert(given, type);
  const int d = wrap_dim(dim, x.sizes().size(), name);
  if (x.sizes().empty()) return {ops::convert(given, given.dtype()), zeros({}, i64), 0};
  if (x.sizes()[d] == 0) {
    throw Error(name, fmt::format("nothing to reduce in dimension {} of shape {}", d, to_string(x.sizes())));
  }
  const Shape sizes = ops::reduced_sizes(x.sizes(), 1U << d, keepdim);
  Tensor values = empty(sizes, type);
  Tensor indices = empty(sizes, i64);
  kernels::arg_reduce(largest, type, x.sizes(), ops::in(x), d, values.raw_data(),
                      indices.data<std::int64_t>().data());
  return {given.dtype() == type ? values : ops::convert(values, given.dtype()), indices, d};
}

ValuesIndices extremum_along(const char* name, bool largest, const Tensor& x, std::int64_t dim,
                             bool keepdim) {
  const ArgReduced r = arg_reduce(name, largest, x, dim, keepdim);
  return {ops::record_selection(name, r.values, x, r.dim, r.indices, !keepdim), r.indices};
}

Tensor arg_extremum(const char* name, bool largest, const Tensor& x, std::optional<std::int64_t> dim,
                    bool keepdim) {
  if (dim) return arg_reduce(name, largest, x, *dim, keepdim).indices;
  if (x.numel() == 0) throw Error(name, fmt::format("nothing to reduce in shape {}", to_string(x.sizes())));
  const Tensor index = arg_reduce(name, largest, x.detach().reshape({-1}), 0, false).indices;
  return keepdim ? index.reshape(Shape::filled(x.sizes().size(), 1)) : index;
}

}  // namespace

Tensor Tensor::max() const { return extremum("max", Reduce::max, *this, {}, false); }
Tensor Tensor::min() const { return extremum("min", Reduce::min, *this, {}, false); }
Tensor Tensor::amax(const Shape& dims, bool keepdim) const {
  return extremum("amax", Reduce::max, *this, dims, keepdim);
}
Tensor Tensor::amin(const Shape& dims, bool keepdim) const {
  return extremum("amin", Reduce::min, *this, dims, keepdim);
}
MinMax aminmax(const Tensor& x, const Shape& dims, bool keepdim) {
  return {extremum("aminmax", Reduce::min, x, dims, keepdim),
          extremum("aminmax", Reduce::max, x, dims, keepdim)};
}

ValuesIndices Tensor::max(std::int64_t dim, bool keepdim) const {
  return extremum_along("max", true, *this, dim, keepdim);
}
ValuesIndices Tensor::min(std::int64_t dim, bool keepdim) const {
  return extremum_along("min", false, *this, dim, keepdim);
}
Tensor Tensor::argmax(std::optional<std::int64_t> dim, bool keepdim) const {
  return arg_extremum("argmax", true, *this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<std::int64_t> dim, bool keepdim) const {
  return arg_extremum("argmin", false, *this, dim, keepdim);
}

}  // namespace mica
