#include <array>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/advanced_index.h>
#include <mica/ops/creation.h>
#include <mica/ops/mask.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/positions.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Scatter;
using Indices = std::span<const Index>;
using Pair = std::array<Tensor, 2>;

namespace {

const Tensor* tensor_in(const Index& index) {
  return index.kind() == Index::Kind::tensor ? &index.tensor() : nullptr;
}

// How many dimensions of the tensor an index stands for.
int extent(const Index& index) {
  if (index.kind() == Index::Kind::position || index.kind() == Index::Kind::slice) return 1;
  const Tensor* x = tensor_in(index);
  if (x == nullptr) return 0;
  return x->dtype() == boolean ? x->sizes().size() : 1;
}

// A tensor seen through the indices that make views, and the index tensors for dimensions of that view.
struct Selection {
  Tensor view;
  std::vector<Tensor> positions;  // one for each dimension of the view; undefined where it is taken whole
  Tensor mask;  // instead, if a mask is the only index tensor: it lies on the dimensions from mask_dim on
  int mask_dim = 0;

  bool is_view() const { return !mask.defined() && first_position() < 0; }
  int first_position() const {
    for (std::size_t d = 0; d < positions.size(); ++d) {
      if (positions[d].defined()) return static_cast<int>(d);
    }
    return -1;
  }
};

void check_mask(const char* operation, const Tensor& mask, const Tensor& view, int dim) {
  const Shape& sizes = mask.sizes();
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == view.sizes()[dim + i]) continue;
    throw Error(operation,
                fmt::format("a mask of shape {} does not fit shape {} at dimension {}", to_string(sizes),
                            to_string(view.sizes()), dim),
                "it needs the sizes of the dimensions that it stands for");
  }
}

int skipped_by_ellipsis(const char* operation, const Tensor& x, Indices indices) {
  int taken = 0;
  int ellipses = 0;
  for (const Index& index : indices) {
    taken += extent(index);
    ellipses += index.kind() == Index::Kind::ellipsis ? 1 : 0;
  }
  if (taken > x.sizes().size()) {
    throw Error(operation, fmt::format("indices for {} dimensions, but the tensor has shape {}", taken,
                                       to_string(x.sizes())));
  }
  if (ellipses > 1) throw Error(operation, fmt::format("{} times Ellipsis", ellipses), "one is enough");
  return x.sizes().size() - taken;
}

// Takes the indices from left to right. Nothing is read but masks and 0-d positions.
class Resolver {
 public:
  Resolver(const char* operation, const Tensor& x, Indices indices)
      : operation_(operation), rest_(skipped_by_ellipsis(operation, x, indices)) {
    selection_.view = x;
    selection_.positions.resize(max_dims + 1);
    for (const Index& index : indices) tensors_ += tensor_in(index) != nullptr || is_flag(index) ? 1 : 0;
    for (const Index& index : indices) take(index);
    selection_.positions.resize(static_cast<std::size_t>(selection_.view.dim()));
  }
  Selection take() { return std::move(selection_); }

 private:
  void take(const Index& index) {
    switch (index.kind()) {
      case Index::Kind::position: return take_position(index.position());
      case Index::Kind::flag: return take_flag(index.flag());
      case Index::Kind::slice: return take_slice(index.slice());
      case Index::Kind::ellipsis: dim_ += rest_; return;
      case Index::Kind::none: selection_.view = selection_.view.unsqueeze(dim_++); return;
      case Index::Kind::tensor: return take_tensor(index.tensor());
    }
  }
  void take_position(std::int64_t position) { selection_.view = selection_.view.select(dim_, position); }
  void take_slice(const Slice& slice) {
    const bool whole = !slice.first && !slice.last && slice.step == 1;
    if (!whole) selection_.view = selection_.view.slice(dim_, slice);
    ++dim_;
  }
  void take_flag(bool flag) {
    selection_.view = selection_.view.unsqueeze(dim_);
    add(zeros({flag ? 1 : 0}, i64));
  }
  void take_tensor(const Tensor& x) {
    if (x.dtype() == boolean) return x.dim() == 0 ? take_flag(x.item<bool>()) : add_mask(x);
    if (x.dim() > 0) return add(x);
    ops::checked_index(operation_, x, ops::Negative::from_the_end, selection_.view.size(dim_), dim_);
    take_position(x.item<std::int64_t>());
  }

  static bool is_flag(const Index& index) { return index.kind() == Index::Kind::flag; }
  void add(const Tensor& positions) { selection_.positions[static_cast<std::size_t>(dim_++)] = positions; }
  void add_mask(const Tensor& mask) {
    check_mask(operation_, mask, selection_.view, dim_);
    if (tensors_ > 1) {
      for (const Tensor& positions : nonzero_tuple(mask)) add(positions);
      return;
    }
    selection_.mask = mask;
    selection_.mask_dim = dim_;
    dim_ += mask.sizes().size();
  }

  const char* operation_;
  int rest_;
  int tensors_ = 0;
  int dim_ = 0;
  Selection selection_;
};

Selection resolve(const char* operation, const Tensor& x, Indices indices) {
  return Resolver(operation, x, indices).take();
}

std::vector<Tensor> positions_of(const Selection& s) {
  if (!s.mask.defined()) return s.positions;
  std::vector<Tensor> positions(s.positions.size());
  auto d = static_cast<std::size_t>(s.mask_dim);
  for (const Tensor& column : nonzero_tuple(s.mask)) positions[d++] = column;
  return positions;
}

// The index tensors as one walk: lanes over the other dimensions, along a line of offsets.
struct Walk {
  kernels::Lookup lookup;
  Shape result;    // sizes of the walk with the common shape of the index tensors instead of the line
  Tensor offsets;  // what the lookup points to
};

struct Offsets {
  Tensor line;        // i64, row-major
  Shape sizes;        // the common shape of the index tensors
  std::int64_t step;  // elements for each unit
};

// Of one index tensor the positions themselves, of several the distances from the first element.
Offsets make_offsets(const char* operation, const Tensor& view, const std::vector<Tensor>& positions) {
  Shape sizes;
  int count = 0;
  for (const Tensor& p : positions) {
    if (!p.defined()) continue;
    sizes = count++ == 0 ? p.sizes() : broadcast_shapes(sizes, p.sizes(), operation);
  }
  Tensor sum;
  std::int64_t step = 1;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (!positions[i].defined()) continue;
    const int d = static_cast<int>(i);
    const std::int64_t stride = view.strides()[d];
    const Tensor checked =
        ops::checked_index(operation, positions[i], ops::Negative::from_the_end, view.sizes()[d], d);
    if (count == 1) {
      sum = checked;
      step = stride;
    } else {
      const Tensor distance = checked * stride;
      sum = sum.defined() ? sum + distance : distance;
    }
  }
  return {sum.expand(sizes).contiguous(), sizes, step};
}

Walk make_walk(const char* operation, const Tensor& view, const std::vector<Tensor>& positions) {
  const Offsets offsets = make_offsets(operation, view, positions);
  int first = -1;
  int last = -1;
  int count = 0;
  for (int d = 0; d < view.sizes().size(); ++d) {
    if (!positions[static_cast<std::size_t>(d)].defined()) continue;
    if (count++ == 0) first = d;
    last = d;
  }
  const int place = last - first + 1 == count ? first : 0;  // apart from each other: in front
  Walk walk{.lookup = {}, .result = {}, .offsets = offsets.line};
  const auto add_line = [&] {
    walk.lookup.dim = walk.lookup.sizes.size();
    walk.lookup.sizes.push_back(offsets.line.numel());
    walk.lookup.strides.push_back(offsets.step);
    for (const std::int64_t size : offsets.sizes) walk.result.push_back(size);
  };
  for (int d = 0; d < view.sizes().size(); ++d) {
    if (d == place) add_line();
    if (positions[static_cast<std::size_t>(d)].defined()) continue;
    walk.lookup.sizes.push_back(view.sizes()[d]);
    walk.lookup.strides.push_back(view.strides()[d]);
    walk.result.push_back(view.sizes()[d]);
  }
  walk.lookup.index_strides = Shape::filled(walk.lookup.sizes.size(), 0);
  walk.lookup.index_strides[walk.lookup.dim] = 1;
  walk.lookup.index = walk.offsets.data<std::int64_t>().data();
  return walk;
}

// Indices kept for backward, with their tensors.
class SavedIndices {
 public:
  explicit SavedIndices(Indices indices) : indices_(indices.begin(), indices.end()) {
    for (const Index& index : indices) {
      if (const Tensor* x = tensor_in(index)) tensors_.emplace_back(*x);
    }
  }
  // Errors: one of the tensors was changed in place since.
  Indices get(const Node& node) const {
    for (const Saved& x : tensors_) x.get(node);
    return indices_;
  }

 private:
  std::vector<Index> indices_;
  std::vector<Saved> tensors_;
};

std::vector<Index> as_indices(const std::vector<Tensor>& positions) {
  std::vector<Index> indices;
  indices.reserve(positions.size());
  for (const Tensor& p : positions) indices.push_back(p.defined() ? Index(p) : Index(Slice{}));
  return indices;
}

}  // namespace

Tensor Tensor::index(std::initializer_list<Index> indices) const {
  return index(Indices(indices.begin(), indices.size()));
}

Tensor Tensor::index(Indices indices) const {
  const Selection s = resolve("index", *this, indices);
  if (s.is_view()) return s.view;
  if (s.mask.defined() && s.mask.dim() == s.view.dim()) return s.view.masked_select(s.mask);
  const std::vector<Tensor> positions = positions_of(s);
  const Walk walk = make_walk("index", s.view, positions);
  Tensor y = empty(walk.result, dtype());
  kernels::gather(static_cast<std::int64_t>(item_size(dtype())), walk.lookup, s.view.raw_data(),
                  {y.raw_data(), contiguous_strides(walk.lookup.sizes)});
  if (!recording(s.view)) return y;
  return record("index", y, {&s.view},
                [at = SavedIndices(as_indices(positions)), sizes = s.view.sizes()](const Node& node,
                                                                                   const Tensor& grad) {
                  return zeros(sizes, grad.dtype()).index_put_(at.get(node), grad, {.accumulate = true});
                });
}

namespace {

// The value without leading dimensions of size 1 that are too many. Errors: it does not broadcast to `sizes`.
Tensor fitted_value(const char* operation, const Tensor& value, const Shape& sizes) {
  Shape own = value.sizes();
  while (own.size() > sizes.size() && own[0] == 1) own.erase(0);
  bool fits = own.size() <= sizes.size();
  for (int i = 1; fits && i <= own.size(); ++i) {
    const std::int64_t size = own[own.size() - i];
    fits = size == 1 || size == sizes[sizes.size() - i];
  }
  if (!fits) {
    throw Error(operation,
                fmt::format("a value of shape {} does not broadcast to {}, the shape that the indices select",
                            to_string(value.sizes()), to_string(sizes)));
  }
  return value.reshape(own);
}

void put_view(const Tensor& view, const Tensor& value, bool accumulate) {
  const NoGrad guard;
  Tensor target = view;
  if (accumulate)
    target.add_(value.detach());
  else
    kernels::convert(view.sizes(), value.dtype(), ops::in(value, view.sizes()), view.dtype(), ops::out(view));
}

// One number where the mask is true.
void put_masked(const Tensor& view, const Tensor& mask, int mask_dim, const Tensor& value) {
  Tensor condition = mask;
  while (condition.dim() < view.dim() - mask_dim) condition = condition.unsqueeze(-1);
  const Shape& sizes = view.sizes();
  kernels::where(view.dtype(), sizes, ops::in(condition, sizes), ops::in(value, sizes), ops::in(view),
                 ops::out(view));
}

void put_walk(const Tensor& view, const Walk& walk, const Tensor& value, bool accumulate) {
  const Tensor source = value.detach().expand(walk.result).reshape(walk.lookup.sizes);
  kernels::scatter(accumulate ? Scatter::add : Scatter::copy, view.dtype(), walk.lookup, ops::in(source),
                   view.raw_data());
}

// Writes to what the indices select of x, without history. Returns the value as it was used, with its own.
Tensor put(const char* operation, const Tensor& x, Indices indices, const Tensor& value, bool accumulate) {
  Selection s = resolve(operation, x.detach(), indices);
  if (s.is_view()) {
    Tensor used = fitted_value(operation, value, s.view.sizes());
    put_view(s.view, used, accumulate);
    return used;
  }
  ops::check_same_dtype(operation, x, "the tensor", value, "the value");
  if (s.mask.defined() && s.mask.shares_storage(x)) s.mask = s.mask.clone();
  if (s.mask.defined() && value.numel() == 1 && !accumulate) {
    Tensor used = value.reshape({});
    put_masked(s.view, s.mask, s.mask_dim, used);
    return used;
  }
  const DType type = accumulate ? ops::compute_type(x.dtype()) : x.dtype();
  const Tensor target = type == x.dtype() ? s.view : ops::convert(s.view, type);
  Walk walk = make_walk(operation, target, positions_of(s));
  if (walk.offsets.shares_storage(x)) {
    walk.offsets = walk.offsets.clone();
    walk.lookup.index = walk.offsets.data<std::int64_t>().data();
  }
  Tensor used = fitted_value(operation, value, walk.result);
  put_walk(target, walk, used.detach().to(type), accumulate);
  if (type != x.dtype()) kernels::convert(target.sizes(), type, ops::in(target), x.dtype(), ops::out(s.view));
  return used;
}

auto index_put_backward(Indices indices, bool accumulate) {
  return [at = SavedIndices(indices), accumulate](const Node& node, const Tensor& grad) -> Pair {
    Pair grads;
    if (node.needs(0)) {
      const Tensor zero = zeros({}, grad.dtype());
      grads[0] = accumulate ? grad : grad.index_put(at.get(node), zero);
    }
    if (node.needs(1)) grads[1] = grad.index(at.get(node));
    return grads;
  };
}

}  // namespace

Tensor Tensor::index_put(Indices indices, const Tensor& value, IndexPutOptions options) const {
  Tensor y = ops::convert(*this, dtype());
  const Tensor used = put("index_put", y, indices, value, options.accumulate);
  if (!recording(*this, used)) return y;
  return record("index_put", y, {this, &used}, index_put_backward(indices, options.accumulate));
}

Tensor& Tensor::index_put_(Indices indices, const Tensor& value, IndexPutOptions options) {
  const bool tracked = ops::check_in_place("index_put_", *this, value);
  ops::check_no_overlap("index_put_", *this);
  const Tensor before = tracked ? ops::history_of(*this) : Tensor();
  const Tensor source = value.shares_storage(*this) ? ops::copy_with_history(value) : value;
  const Tensor used = put("index_put_", *this, indices, source, options.accumulate);
  ops::mark_changed("index_put_", *this, tracked);
  if (tracked) record("index_put_", *this, {&before, &used}, index_put_backward(indices, options.accumulate));
  return *this;
}

Tensor Tensor::index_put(std::initializer_list<Index> indices, const Tensor& value,
                         IndexPutOptions options) const {
  return index_put(Indices(indices.begin(), indices.size()), value, options);
}
Tensor Tensor::index_put(std::initializer_list<Index> indices, Scalar value, IndexPutOptions options) const {
  return index_put(Indices(indices.begin(), indices.size()), full({}, value, dtype()), options);
}
Tensor& Tensor::index_put_(std::initializer_list<Index> indices, const Tensor& value,
                           IndexPutOptions options) {
  return index_put_(Indices(indices.begin(), indices.size()), value, options);
}
Tensor& Tensor::index_put_(std::initializer_list<Index> indices, Scalar value, IndexPutOptions options) {
  return index_put_(Indices(indices.begin(), indices.size()), full({}, value, dtype()), options);
}

}  // namespace mica
