#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/view.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

// Replaces a -1 in `wanted` and checks the number of elements.
Shape resolve_sizes(const char* operation, const Tensor& x, Shape wanted) {
  std::int64_t known = 1;
  std::int64_t largest = 1;  // without the zeros: strides are products of the other sizes
  int free = -1;
  for (int i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1 && free < 0) {
      free = i;
      continue;
    }
    if (wanted[i] < 0)
      throw Error(operation, fmt::format("{} is no shape: only one size may be -1", to_string(wanted)));
    if (__builtin_mul_overflow(largest, std::max<std::int64_t>(wanted[i], 1), &largest))
      throw Error(operation, fmt::format("shape {} has too many elements", to_string(wanted)));
    known *= wanted[i];
  }
  if (free >= 0 && known != 0 && x.numel() % known == 0) {
    wanted[free] = x.numel() / known;
    known *= wanted[free];
    return wanted;
  }
  if (free >= 0 || known != x.numel()) {
    throw Error(operation, fmt::format("{} elements of shape {} do not fill shape {}", x.numel(),
                                       to_string(x.sizes()), to_string(wanted)));
  }
  return wanted;
}

// Strides that show x's memory as `sizes`, if there are any: each group of old dimensions that the new ones
// divide must be evenly spaced in memory.
std::optional<Shape> view_strides(const Tensor& x, const Shape& sizes) {
  if (x.is_contiguous() || x.numel() == 0) return contiguous_strides(sizes);
  const Shape& old_sizes = x.sizes();
  const Shape& old_strides = x.strides();
  Shape strides = Shape::filled(sizes.size(), 1);
  int view_dim = sizes.size() - 1;
  std::int64_t chunk_stride = old_strides.back();
  std::int64_t in_chunk = 1;
  std::int64_t in_view = 1;
  for (int d = old_sizes.size() - 1; d >= 0; --d) {
    in_chunk *= old_sizes[d];
    const bool chunk_ends =
        d == 0 || (old_sizes[d - 1] != 1 && old_strides[d - 1] != in_chunk * chunk_stride);
    if (!chunk_ends) continue;
    while (view_dim >= 0 && (in_view < in_chunk || sizes[view_dim] == 1)) {
      strides[view_dim] = in_view * chunk_stride;
      in_view *= sizes[view_dim--];
    }
    if (in_view != in_chunk) return std::nullopt;
    if (d > 0) {
      chunk_stride = old_strides[d - 1];
      in_chunk = 1;
      in_view = 1;
    }
  }
  if (view_dim >= 0) return std::nullopt;
  return strides;
}

Tensor record_reshape(const char* name, Tensor y, const Tensor& x) {
  if (!recording(x)) return y;
  return record(name, y, {&x},
                [sizes = x.sizes()](const Node&, const Tensor& grad) { return grad.reshape(sizes); });
}

}  // namespace

Tensor Tensor::view(const Shape& wanted) const {
  const Shape sizes = resolve_sizes("view", *this, wanted);
  const auto strides = view_strides(*this, sizes);
  if (!strides) {
    throw Error("view",
                fmt::format("shape {} with strides {} cannot be seen as {} without a copy",
                            to_string(this->sizes()), to_string(this->strides()), to_string(sizes)),
                "use reshape() or flatten(), which copy when they must");
  }
  return record_reshape("view", alias(*this, sizes, *strides, storage_offset()), *this);
}

Tensor Tensor::reshape(const Shape& wanted) const {
  const Shape sizes = resolve_sizes("reshape", *this, wanted);
  if (sizes == this->sizes()) return *this;
  if (const auto strides = view_strides(*this, sizes)) {
    return record_reshape("reshape", alias(*this, sizes, *strides, storage_offset()), *this);
  }
  const Tensor copy = contiguous();
  return copy.view(sizes);
}

Tensor Tensor::flatten(std::int64_t start_dim, std::int64_t end_dim) const {
  if (dim() == 0) return reshape({1});
  const int start = wrap_dim(start_dim, sizes().size(), "flatten");
  const int end = wrap_dim(end_dim, sizes().size(), "flatten");
  if (start > end)
    throw Error("flatten", fmt::format("start_dim {} lies behind end_dim {}", start_dim, end_dim));
  Shape flat;
  std::int64_t joined = 1;
  for (int i = 0; i < sizes().size(); ++i) {
    if (i < start || i > end)
      flat.push_back(sizes()[i]);
    else
      joined *= sizes()[i];
    if (i == end) flat.push_back(joined);
  }
  return reshape(flat);
}

Tensor Tensor::transpose(std::int64_t dim0, std::int64_t dim1) const {
  const int a = wrap_dim(dim0, sizes().size(), "transpose");
  const int b = wrap_dim(dim1, sizes().size(), "transpose");
  Shape new_sizes = sizes();
  Shape new_strides = strides();
  if (!new_sizes.empty()) {
    std::swap(new_sizes[a], new_sizes[b]);
    std::swap(new_strides[a], new_strides[b]);
  }
  Tensor y = alias(*this, new_sizes, new_strides, storage_offset());
  if (!recording(*this)) return y;
  return record("transpose", y, {this},
                [a, b](const Node&, const Tensor& grad) { return grad.transpose(a, b); });
}

Tensor Tensor::t() const {
  if (dim() > 2) {
    throw Error("t", fmt::format("a tensor of shape {} is no matrix", to_string(sizes())),
                "use transpose(dim0, dim1)");
  }
  return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::permute(const Shape& dims) const {
  if (dims.size() != sizes().size()) {
    throw Error("permute", fmt::format("order {} for a tensor of {} dimensions", to_string(dims), dim()));
  }
  Shape new_sizes;
  Shape new_strides;
  Shape inverse = dims;
  std::uint32_t seen = 0;
  for (int i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim(dims[i], dims.size(), "permute");
    if ((seen & (1U << d)) != 0)
      throw Error("permute", fmt::format("order {} names a dimension twice", to_string(dims)));
    seen |= 1U << d;
    new_sizes.push_back(sizes()[d]);
    new_strides.push_back(strides()[d]);
    inverse[d] = i;
  }
  Tensor y = alias(*this, new_sizes, new_strides, storage_offset());
  if (!recording(*this)) return y;
  return record("permute", y, {this},
                [inverse](const Node&, const Tensor& grad) { return grad.permute(inverse); });
}

Tensor Tensor::expand(const Shape& wanted) const {
  Shape target = wanted;
  const int lead = target.size() - sizes().size();
  Shape new_strides = Shape::filled(target.size(), 0);
  bool fits = lead >= 0;
  for (int i = 0; fits && i < target.size(); ++i) {
    if (i < lead) {
      fits = target[i] >= 0;
      continue;
    }
    const std::int64_t own = sizes()[i - lead];
    if (target[i] == -1) target[i] = own;
    if (target[i] == own)
      new_strides[i] = strides()[i - lead];
    else
      fits = own == 1 && target[i] >= 0;
  }
  if (!fits) {
    throw Error("expand",
                fmt::format("shape {} does not broadcast to {}", to_string(sizes()), to_string(wanted)),
                "only sizes of 1 grow; new dimensions come first");
  }
  Tensor y = alias(*this, target, new_strides, storage_offset());
  if (!recording(*this)) return y;
  return record("expand", y, {this},
                [own = sizes()](const Node&, const Tensor& grad) { return grad.sum_to_size(own); });
}

Tensor Tensor::unsqueeze(std::int64_t dim) const {
  const int d = wrap_dim(dim, sizes().size() + 1, "unsqueeze");
  Shape new_sizes = sizes();
  Shape new_strides = strides();
  new_strides.insert(d, d < sizes().size() ? sizes()[d] * strides()[d] : 1);
  new_sizes.insert(d, 1);
  return record_reshape("unsqueeze", alias(*this, new_sizes, new_strides, storage_offset()), *this);
}

Tensor Tensor::squeeze() const {
  Shape new_sizes;
  Shape new_strides;
  for (int i = 0; i < sizes().size(); ++i) {
    if (sizes()[i] == 1) continue;
    new_sizes.push_back(sizes()[i]);
    new_strides.push_back(strides()[i]);
  }
  return record_reshape("squeeze", alias(*this, new_sizes, new_strides, storage_offset()), *this);
}

Tensor Tensor::squeeze(std::int64_t dim) const {
  const int d = wrap_dim(dim, sizes().size(), "squeeze");
  if (sizes().empty() || sizes()[d] != 1) return *this;
  Shape new_sizes = sizes();
  Shape new_strides = strides();
  new_sizes.erase(d);
  new_strides.erase(d);
  return record_reshape("squeeze", alias(*this, new_sizes, new_strides, storage_offset()), *this);
}

Tensor Tensor::select(std::int64_t dim, std::int64_t index) const {
  if (sizes().empty()) throw Error("select", "a 0-d tensor has nothing to index", "use item()");
  const int d = wrap_dim(dim, sizes().size(), "select");
  const std::int64_t n = sizes()[d];
  if (index < -n || index >= n) {
    throw Error("select", fmt::format("index {} is out of range for dimension {} of shape {}", index, d,
                                      to_string(sizes())));
  }
  const std::int64_t i = index < 0 ? index + n : index;
  Shape new_sizes = sizes();
  Shape new_strides = strides();
  new_sizes.erase(d);
  new_strides.erase(d);
  Tensor y = alias(*this, new_sizes, new_strides, storage_offset() + i * strides()[d]);
  if (!recording(*this)) return y;
  return record("select", y, {this}, [own = sizes(), d, i](const Node&, const Tensor& grad) {
    return slice_backward(grad.unsqueeze(d), own, d, i, 1);
  });
}

Tensor Tensor::slice(std::int64_t dim, const Slice& s) const {
  if (sizes().empty()) throw Error("slice", "a 0-d tensor has nothing to slice");
  if (s.step < 1)
    throw Error("slice", fmt::format("step {}: only positive steps are possible", s.step), "use flip()");
  const int d = wrap_dim(dim, sizes().size(), "slice");
  const std::int64_t n = sizes()[d];
  const auto position = [n](std::int64_t p) { return std::clamp<std::int64_t>(p < 0 ? p + n : p, 0, n); };
  const std::int64_t first = position(s.first.value_or(0));
  const std::int64_t last = std::max(position(s.last.value_or(n)), first);
  const std::int64_t step = std::min(s.step, std::max<std::int64_t>(n, 1));  // longer ones are the same
  Shape new_sizes = sizes();
  Shape new_strides = strides();
  new_sizes[d] = (last - first + step - 1) / step;
  new_strides[d] *= step;
  Tensor y = alias(*this, new_sizes, new_strides, storage_offset() + first * strides()[d]);
  if (!recording(*this)) return y;
  return record("slice", y, {this}, [own = sizes(), d, first, step](const Node&, const Tensor& grad) {
    return slice_backward(grad, own, d, first, step);
  });
}

Tensor Tensor::narrow(std::int64_t dim, std::int64_t start, std::int64_t length) const {
  const int d = wrap_dim(dim, sizes().size(), "narrow");
  const std::int64_t n = size(d);
  const std::int64_t first = start < 0 ? start + n : start;
  if (first < 0 || first > n || length < 0 || length > n - first) {
    throw Error("narrow", fmt::format("{} elements from {} are out of range for dimension {} of shape {}",
                                      length, start, d, to_string(sizes())));
  }
  return slice(d, {first, first + length, 1});
}

Tensor slice_backward(const Tensor& x, const Shape& sizes, int dim, std::int64_t first, std::int64_t step) {
  Tensor y = zeros(sizes, x.dtype());
  Shape strides = y.strides();
  const std::int64_t offset = first * strides[dim];
  strides[dim] *= step;
  const Tensor window = alias(y, x.sizes(), strides, offset);
  kernels::convert(x.sizes(), x.dtype(), ops::in(x), x.dtype(), ops::out(window));
  if (!recording(x)) return y;
  const std::int64_t count = x.sizes()[dim];
  const std::int64_t last = count == 0 ? first : first + (count - 1) * step + 1;
  return record("slice_backward", y, {&x}, [dim, first, last, step](const Node&, const Tensor& grad) {
    return grad.slice(dim, {first, last, step});
  });
}

Tensor Tensor::detach() const { return Tensor(TensorImpl::same_view(checked_impl())); }

Tensor Tensor::clone() const {
  Tensor y = ops::convert(*this, dtype());
  if (!recording(*this)) return y;
  return record("clone", y, {this}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor y = empty(sizes(), dtype());
  kernels::convert(sizes(), dtype(), ops::in(*this), dtype(), ops::out(y));
  if (!recording(*this)) return y;
  return record("contiguous", y, {this}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor Tensor::to(DType dtype) const {
  if (this->dtype() == dtype) return *this;
  Tensor y = ops::convert(*this, dtype);
  if (!recording(*this) || !mica::is_floating_point(dtype)) return y;
  // The engine converts the gradient back to this tensor's dtype.
  return record("to", y, {this}, [](const Node&, const Tensor& grad) { return grad; });
}

}  // namespace mica
