// Views that cut a tensor into parts or windows.
#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/list_node.h>
#include <mica/core/error.h>
#include <mica/kernels/strided.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>
#include <mica/ops/restride.h>
#include <mica/ops/view.h>

namespace mica {

using autograd::record;
using autograd::recording;
using ops::Geometry;

Tensor Tensor::unfold(std::int64_t dim, std::int64_t size, std::int64_t step) const {
  if (sizes().empty())
    throw Error("unfold", "a 0-d tensor has no dimension to unfold", "use reshape({1}) first");
  const int d = wrap_dim(dim, sizes().size(), "unfold");
  const std::int64_t n = sizes()[d];
  if (size < 0 || size > n || step < 1) {
    throw Error("unfold",
                fmt::format("windows of {} elements, {} apart, in dimension {} of shape {}", size, step, d,
                            to_string(sizes())),
                "the size must lie between 0 and that of the dimension, the step be 1 or more");
  }
  const auto windows = [&](Shape of_sizes, Shape of_strides, std::int64_t offset) {
    of_sizes[d] = (n - size) / step + 1;
    of_sizes.push_back(size);
    of_strides.push_back(of_strides[d]);
    of_strides[d] *= std::min(step, std::max<std::int64_t>(n, 1));  // beyond n there is one window
    return Geometry{of_sizes, of_strides, offset};
  };
  const Geometry view = windows(sizes(), strides(), storage_offset());
  Tensor y = alias(*this, view.sizes, view.strides, view.offset);
  if (!recording(*this)) return y;
  const Geometry whole = ops::contiguous_geometry(sizes());
  return record("unfold", y, {this},
                [from = windows(whole.sizes, whole.strides, 0), whole](const Node&, const Tensor& grad) {
                  return ops::restride(grad, from, whole);
                });
}

Tensor Tensor::diagonal(std::int64_t offset, std::int64_t dim0, std::int64_t dim1) const {
  const int a = wrap_dim(dim0, sizes().size(), "diagonal");
  const int b = wrap_dim(dim1, sizes().size(), "diagonal");
  if (a == b || sizes().size() < 2) {
    throw Error(
        "diagonal",
        fmt::format("dimensions {} and {} of shape {} span no matrix", dim0, dim1, to_string(sizes())),
        "give two different dimensions");
  }
  const auto along = [&](Shape of_sizes, Shape of_strides, std::int64_t start) {
    const std::int64_t rows = of_sizes[a];
    const std::int64_t columns = of_sizes[b];
    // Compared before they are subtracted: the offset may be any number.
    const std::int64_t length = offset >= 0 ? (offset >= columns ? 0 : std::min(rows, columns - offset))
                                            : (offset <= -rows ? 0 : std::min(rows + offset, columns));
    if (length > 0) start += offset >= 0 ? offset * of_strides[b] : -offset * of_strides[a];
    const std::int64_t stride = of_strides[a] + of_strides[b];
    for (const int d : {std::max(a, b), std::min(a, b)}) {
      of_sizes.erase(d);
      of_strides.erase(d);
    }
    of_sizes.push_back(length);
    of_strides.push_back(stride);
    return Geometry{of_sizes, of_strides, start};
  };
  const Geometry view = along(sizes(), strides(), storage_offset());
  Tensor y = alias(*this, view.sizes, view.strides, view.offset);
  if (!recording(*this)) return y;
  const Geometry whole = ops::contiguous_geometry(sizes());
  return record("diagonal", y, {this},
                [from = along(whole.sizes, whole.strides, 0), whole](const Node&, const Tensor& grad) {
                  return ops::restride(grad, from, whole);
                });
}

namespace {

// Whether every element of the view lies in the first `limit` elements of memory. Nothing overflows on the
// way.
bool lies_within(const Shape& sizes, const Shape& strides, std::int64_t offset, std::int64_t limit) {
  std::int64_t last = offset;
  for (int i = 0; i < sizes.size(); ++i) {
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return false;
  }
  return last < limit;
}

void check_strided(const Tensor& x, const Shape& sizes, const Shape& strides, std::int64_t offset) {
  const auto negative = [](std::int64_t n) { return n < 0; };
  if (sizes.size() != strides.size() || offset < 0 || std::any_of(sizes.begin(), sizes.end(), negative) ||
      std::any_of(strides.begin(), strides.end(), negative)) {
    throw Error("as_strided",
                fmt::format("sizes {}, strides {}, offset {}", to_string(sizes), to_string(strides), offset),
                "as many strides as sizes, none of them negative");
  }
  const auto limit = static_cast<std::int64_t>(x.impl()->storage->bytes / item_size(x.dtype()));
  std::int64_t count = 1;
  for (const std::int64_t n : sizes) {
    if (n == 0 && offset <= limit) return;  // reaches nothing
    if (__builtin_mul_overflow(count, n, &count))
      throw Error("as_strided", fmt::format("shape {} has too many elements", to_string(sizes)));
  }
  if (offset > limit || !lies_within(sizes, strides, offset, limit)) {
    throw Error("as_strided",
                fmt::format("sizes {} with strides {} from element {} reach beyond the {} elements in memory",
                            to_string(sizes), to_string(strides), offset, limit));
  }
}

}  // namespace

Tensor Tensor::as_strided(const Shape& new_sizes, const Shape& new_strides,
                          std::optional<std::int64_t> new_offset) const {
  checked_impl();
  const std::int64_t offset = new_offset.value_or(storage_offset());
  check_strided(*this, new_sizes, new_strides, offset);
  Tensor y = alias(*this, new_sizes, new_strides, offset);
  if (!recording(*this)) return y;
  if (kernels::may_overlap(sizes(), strides())) {
    throw Error(
        "as_strided",
        fmt::format("elements of the tensor share memory (sizes {}, strides {}), so the view has no gradient",
                    to_string(sizes()), to_string(strides())),
        "clone() it first");
  }
  return record("as_strided", y, {this},
                [from = ops::geometry_of(y), to = ops::geometry_of(*this)](const Node&, const Tensor& grad) {
                  return ops::restride(grad, from, to);
                });
}

Tensor Tensor::unflatten(std::int64_t dim, const Shape& wanted) const {
  if (sizes().empty()) throw Error("unflatten", "a 0-d tensor has no dimension to split");
  const int d = wrap_dim(dim, sizes().size(), "unflatten");
  Shape parts = wanted;
  std::int64_t known = 1;
  int free = -1;
  bool fits = !wanted.empty();
  for (int i = 0; fits && i < parts.size(); ++i) {
    if (parts[i] == -1 && free < 0)
      free = i;
    else
      fits = parts[i] >= 0 && !__builtin_mul_overflow(known, parts[i], &known);
  }
  if (fits && free >= 0) {
    fits = known > 0 && sizes()[d] % known == 0;
    if (fits) parts[free] = sizes()[d] / known;
  } else if (fits) {
    fits = known == sizes()[d];
  }
  if (!fits) {
    throw Error("unflatten",
                fmt::format("sizes {} do not fill dimension {} of shape {}", to_string(wanted), d,
                            to_string(sizes())),
                "one of the sizes may be -1");
  }
  Shape all = sizes();
  all.erase(d);
  for (int i = 0; i < parts.size(); ++i) all.insert(d + i, parts[i]);
  return reshape(all);
}

Tensor Tensor::movedim(const Shape& source, const Shape& destination) const {
  const int rank = sizes().size();
  if (source.size() != destination.size()) {
    throw Error("movedim",
                fmt::format("dimensions {} cannot move to {}", to_string(source), to_string(destination)),
                "give as many destinations as sources");
  }
  Shape order = Shape::filled(rank, -1);
  std::uint32_t moved = 0;
  for (int i = 0; i < source.size(); ++i) {
    const int from = wrap_dim(source[i], rank, "movedim");
    const int to = wrap_dim(destination[i], rank, "movedim");
    if (rank == 0) return *this;
    if ((moved >> from & 1U) != 0 || order[to] != -1) {
      throw Error("movedim", fmt::format("a dimension appears twice in {} to {}", to_string(source),
                                         to_string(destination)));
    }
    moved |= 1U << from;
    order[to] = from;
  }
  int next = 0;
  for (std::int64_t& place : order) {
    if (place != -1) continue;
    while ((moved >> next & 1U) != 0) ++next;
    place = next++;
  }
  return permute(order);
}

namespace {

using Join = Tensor (*)(std::span<const Tensor> parts, std::int64_t dim);

// One node for all parts of a tensor, so that their gradients are joined once. Each part on its own would
// make a gradient as large as the whole, to be added to those of the others.
class CutNode final : public autograd::ListNode {
 public:
  CutNode(const char* name, const Tensor& x, std::span<const Tensor> parts, Join join, int dim)
      : ListNode(name), join_(join), dim_(dim) {
    set_inputs({autograd::edge_to(x)});
    set_results(parts);
  }
  void backward(std::span<const Tensor> grads, std::vector<Tensor>& grad_inputs) override {
    if (join_ == nullptr) throw_freed();
    std::vector<Tensor> parts(grads.begin(), grads.end());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Output& part = outputs()[i];
      if (!parts[i].defined()) parts[i] = zeros({}, part.dtype).expand(part.sizes);
    }
    grad_inputs = {join_(parts, dim_)};
  }
  void release() override { join_ = nullptr; }

 private:
  Join join_;
  int dim_;
};

// part(0), ..., part(count - 1) of x.
template <class Part>
std::vector<Tensor> record_parts(const char* name, const Tensor& x, std::int64_t count, Join join, int dim,
                                 const Part& part) {
  std::vector<Tensor> parts;
  parts.reserve(static_cast<std::size_t>(count));
  {
    const NoGrad no_grad;
    for (std::int64_t i = 0; i < count; ++i) parts.push_back(part(i));
  }
  if (recording(x)) Ref<NodeBase>::adopt(new CutNode(name, x, parts, join, dim));
  return parts;
}

}  // namespace

std::vector<Tensor> Tensor::split(std::int64_t split_size, std::int64_t dim) const {
  if (sizes().empty()) throw Error("split", "a 0-d tensor cannot be split");
  const int d = wrap_dim(dim, sizes().size(), "split");
  const std::int64_t n = sizes()[d];
  if (split_size < 0 || (split_size == 0 && n != 0))
    throw Error("split", fmt::format("parts of {} elements", split_size), "the size of a part is positive");
  const std::int64_t count = n == 0 ? 1 : (n - 1) / split_size + 1;
  return record_parts("split", *this, count, &cat, d, [&](std::int64_t i) {
    return narrow(d, i * split_size, std::min(split_size, n - i * split_size));
  });
}

std::vector<Tensor> Tensor::split(const std::vector<std::int64_t>& split_sizes, std::int64_t dim) const {
  if (sizes().empty()) throw Error("split", "a 0-d tensor cannot be split");
  const int d = wrap_dim(dim, sizes().size(), "split");
  std::int64_t left = sizes()[d];
  bool fits = true;
  for (const std::int64_t length : split_sizes) {
    fits = fits && length >= 0 && length <= left;
    if (fits) left -= length;
  }
  if (!fits || left != 0) {
    throw Error("split",
                fmt::format("{} parts do not add up to dimension {} of shape {}", split_sizes.size(), d,
                            to_string(sizes())),
                "the sizes of the parts must add up to that of the dimension");
  }
  std::int64_t first = 0;
  return record_parts("split", *this, static_cast<std::int64_t>(split_sizes.size()), &cat, d,
                      [&](std::int64_t i) {
                        const std::int64_t length = split_sizes[static_cast<std::size_t>(i)];
                        return narrow(d, std::exchange(first, first + length), length);
                      });
}

std::vector<Tensor> Tensor::chunk(std::int64_t chunks, std::int64_t dim) const {
  if (sizes().empty()) throw Error("chunk", "a 0-d tensor cannot be split");
  if (chunks < 1) throw Error("chunk", fmt::format("{} parts", chunks), "ask for one or more");
  const int d = wrap_dim(dim, sizes().size(), "chunk");
  const std::int64_t n = sizes()[d];
  if (n == 0) return split(std::vector<std::int64_t>(static_cast<std::size_t>(chunks), 0), d);
  return split(n / chunks + (n % chunks != 0 ? 1 : 0), d);
}

std::vector<Tensor> Tensor::unbind(std::int64_t dim) const {
  if (sizes().empty()) throw Error("unbind", "a 0-d tensor has nothing to unbind");
  const int d = wrap_dim(dim, sizes().size(), "unbind");
  return record_parts("unbind", *this, sizes()[d], &stack, d, [&](std::int64_t i) { return select(d, i); });
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors) {
  Shape sizes;
  for (const Tensor& x : tensors) sizes = broadcast_shapes(sizes, x.sizes(), "broadcast_tensors");
  std::vector<Tensor> out;
  out.reserve(tensors.size());
  for (const Tensor& x : tensors) out.push_back(x.expand(sizes));
  return out;
}

}  // namespace mica
