#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/creation.h>
#include <mica/ops/index.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/positions.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Scatter;
using ops::Negative;
using Pair = std::array<Tensor, 2>;

namespace {

// An index of one dimension, which stands for whole slices of x.
struct Slices {
  int dim;
  Tensor index;  // checked, with the number of dimensions of x (a 0-d x counts as one of shape (1))
  Shape sizes;   // of the slices taken together
  kernels::Lookup operator()(const Tensor& x) const { return ops::lookup_along(x, dim, index, sizes); }
};

Slices slices(const char* operation, const Tensor& x, std::int64_t dim, const Tensor& index,
              Negative negative) {
  const int d = wrap_dim(dim, x.sizes().size(), operation);
  if (index.dim() > 1) {
    throw Error(operation, fmt::format("the index has shape {}", to_string(index.sizes())),
                "it must have one dimension; for more use gather(), scatter() or index()");
  }
  Tensor checked = ops::checked_index(operation, index, negative, ops::size_of(x, d), d);
  if (checked.shares_storage(x)) checked = checked.clone();
  Shape sizes = x.sizes().empty() ? Shape{1} : x.sizes();
  Shape own = Shape::filled(sizes.size(), 1);
  sizes[d] = index.numel();
  own[d] = checked.numel();
  return {d, checked.reshape(own), sizes};
}

void check_source(const char* operation, const Tensor& x, const Tensor& source, const Slices& at) {
  ops::check_same_dtype(operation, x, "the tensor", source, "the source");
  bool fits = ops::rank_of(source) == ops::rank_of(x);
  for (int i = 0; fits && i < at.sizes.size(); ++i) fits = ops::size_of(source, i) == at.sizes[i];
  if (fits) return;
  throw Error(operation,
              fmt::format("the source has shape {}, the slices have {}", to_string(source.sizes()),
                          to_string(at.sizes)),
              "it needs one slice for each index");
}

auto index_add_backward(const Slices& at, const Tensor& index, const Tensor& source) {
  return [dim = at.dim, index = Saved(index), sizes = source.sizes()](const Node& node,
                                                                      const Tensor& grad) -> Pair {
    return {grad, node.needs(1) ? grad.index_select(dim, index.get(node)).reshape(sizes) : Tensor()};
  };
}

auto index_copy_backward(const Slices& at, const Tensor& index, const Tensor& source) {
  return [dim = at.dim, index = Saved(index), sizes = source.sizes()](const Node& node,
                                                                      const Tensor& grad) -> Pair {
    return {node.needs(0) ? grad.index_fill(dim, index.get(node), 0) : Tensor(),
            node.needs(1) ? grad.index_select(dim, index.get(node)).reshape(sizes) : Tensor()};
  };
}

auto index_fill_backward(const Slices& at, const Tensor& index) {
  return [dim = at.dim, index = Saved(index)](const Node& node, const Tensor& grad) -> Pair {
    return {grad.index_fill(dim, index.get(node), 0), Tensor()};
  };
}

// alpha * source in the source's dtype.
Tensor scaled(const Tensor& source, Scalar alpha) {
  if (alpha.to_double() == 1) return source;
  return (source * (source.is_floating_point() ? alpha : Scalar(alpha.to_int()))).to(source.dtype());
}

}  // namespace

Tensor Tensor::index_select(std::int64_t dim, const Tensor& index) const {
  const Slices at = slices("index_select", *this, dim, index, Negative::refused);
  if (sizes().empty() && index.numel() != 1) {
    throw Error("index_select", fmt::format("{} positions in a 0-d tensor", index.numel()),
                "it has only one");
  }
  Tensor y = empty(at.sizes, dtype());
  kernels::gather(static_cast<std::int64_t>(item_size(dtype())), at(*this), raw_data(), ops::out(y));
  if (sizes().empty()) y = alias(y, {}, {}, 0);
  if (!recording(*this)) return y;
  return record("index_select", y, {this},
                [d = at.dim, index = Saved(index), sizes = sizes()](const Node& node, const Tensor& grad) {
                  return zeros(sizes, grad.dtype()).index_add_(d, index.get(node), grad);
                });
}

Tensor Tensor::index_add(std::int64_t dim, const Tensor& index, const Tensor& given, Scalar alpha) const {
  const Slices at = slices("index_add", *this, dim, index, Negative::refused);
  check_source("index_add", *this, given, at);
  const Tensor source = scaled(given, alpha);
  return ops::record_scatter("index_add", Scatter::add, *this, source, at,
                             index_add_backward(at, index, source));
}

Tensor& Tensor::index_add_(std::int64_t dim, const Tensor& index, const Tensor& given, Scalar alpha) {
  const Slices at = slices("index_add_", *this, dim, index, Negative::refused);
  check_source("index_add_", *this, given, at);
  const Tensor source = scaled(given, alpha);
  return ops::record_scatter_in_place("index_add_", Scatter::add, *this, source, at,
                                      index_add_backward(at, index, source));
}

Tensor Tensor::index_copy(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  if (autocast_enabled() && dtype() != source.dtype()) {  // the wider of the two
    const auto run = [&](const Tensor& x, const Tensor& y) { return x.index_copy(dim, index, y); };
    return ops::autocast_to<f32>(run, *this, source);
  }
  const Slices at = slices("index_copy", *this, dim, index, Negative::refused);
  check_source("index_copy", *this, source, at);
  return ops::record_scatter("index_copy", Scatter::copy, *this, source, at,
                             index_copy_backward(at, index, source));
}

Tensor& Tensor::index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Slices at = slices("index_copy_", *this, dim, index, Negative::refused);
  check_source("index_copy_", *this, source, at);
  return ops::record_scatter_in_place("index_copy_", Scatter::copy, *this, source, at,
                                      index_copy_backward(at, index, source));
}

Tensor Tensor::index_fill(std::int64_t dim, const Tensor& index, Scalar value) const {
  const Slices at = slices("index_fill", *this, dim, index, Negative::from_the_end);
  return ops::record_scatter("index_fill", Scatter::copy, *this, full({}, value, dtype()), at,
                             index_fill_backward(at, index));
}

Tensor& Tensor::index_fill_(std::int64_t dim, const Tensor& index, Scalar value) {
  const Slices at = slices("index_fill_", *this, dim, index, Negative::from_the_end);
  return ops::record_scatter_in_place("index_fill_", Scatter::copy, *this, full({}, value, dtype()), at,
                                      index_fill_backward(at, index));
}

}  // namespace mica
