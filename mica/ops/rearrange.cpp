#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/index.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/rearrange.h>
#include <mica/ops/restride.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

std::int64_t product(const Shape& sizes, int first, int last) {
  return std::accumulate(sizes.begin() + first, sizes.begin() + last, std::int64_t{1}, std::multiplies<>());
}

std::int64_t checked_times(const char* operation, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out))
    throw Error(operation, fmt::format("{} times {} elements are too many", b, a));
  return out;
}

// x as (outer, 1, inner), the middle dimension expanded and merged with what follows (the whole again and
// again), or with what comes before (each element again and again).
Tensor repeat_along(const char* operation, const Tensor& x, int d, std::int64_t times, bool each) {
  if (times == 1) return x;
  const int split = each ? d + 1 : d;
  const std::int64_t outer = product(x.sizes(), 0, split);
  const std::int64_t inner = product(x.sizes(), split, x.sizes().size());
  Shape sizes = x.sizes();
  sizes[d] = checked_times(operation, sizes[d], times);
  checked_times(operation, x.numel(), times);
  return x.reshape({outer, 1, inner}).expand({outer, times, inner}).reshape(sizes);
}

}  // namespace

Tensor Tensor::repeat(const Shape& repeats) const {
  const int lead = repeats.size() - sizes().size();
  if (lead < 0 || std::any_of(repeats.begin(), repeats.end(), [](std::int64_t n) { return n < 0; })) {
    throw Error("repeat", fmt::format("repeats {} for shape {}", to_string(repeats), to_string(sizes())),
                "one number, not negative, for each dimension; further ones in front make new dimensions");
  }
  Shape all = sizes();
  for (int i = 0; i < lead; ++i) all.insert(0, 1);
  Tensor y = reshape(all);
  for (int i = all.size() - 1; i >= 0; --i) y = repeat_along("repeat", y, i, repeats[i], false);
  return y.impl()->storage == impl_->storage ? y.clone() : y;
}

Tensor Tensor::tile(const Shape& dims) const {
  Shape repeats = dims;
  while (repeats.size() < sizes().size()) repeats.insert(0, 1);
  for (const std::int64_t n : dims) {
    if (n < 0) throw Error("tile", fmt::format("repeats {}", to_string(dims)), "they must not be negative");
  }
  return repeat(repeats);
}

Tensor Tensor::repeat_interleave(std::int64_t repeats, std::optional<std::int64_t> dim) const {
  if (repeats < 0)
    throw Error("repeat_interleave", fmt::format("{} repeats", repeats), "they must not be negative");
  if (!dim || sizes().empty()) {
    if (dim) wrap_dim(*dim, 0, "repeat_interleave");
    return repeat_along("repeat_interleave", reshape({-1}), 0, repeats, true);
  }
  const int d = wrap_dim(*dim, sizes().size(), "repeat_interleave");
  const Tensor y = repeat_along("repeat_interleave", *this, d, repeats, true);
  return repeats == 1 ? y.clone() : y;
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim) {
  if (!dim) return repeat_interleave(x.reshape({-1}), repeats, 0);
  const Tensor rows = x.dim() == 0 ? x.reshape({1}) : x;
  const int d = wrap_dim(*dim, rows.sizes().size(), "repeat_interleave");
  if ((repeats.dtype() != i64 && repeats.dtype() != i32) || repeats.dim() > 1 ||
      (repeats.numel() != 1 && repeats.numel() != rows.sizes()[d])) {
    throw Error("repeat_interleave",
                fmt::format("repeats are {} of shape {} for dimension {} of shape {}", name(repeats.dtype()),
                            to_string(repeats.sizes()), d, to_string(rows.sizes())),
                "one integer, or one for each slice");
  }
  const auto counts = repeats.to_vector<std::int64_t>();
  if (counts.size() == 1) return rows.repeat_interleave(counts[0], d);
  std::int64_t total = 0;
  for (const std::int64_t n : counts) {
    if (n < 0 || __builtin_add_overflow(total, n, &total))
      throw Error("repeat_interleave", fmt::format("{} repeats", n),
                  "they must not be negative, nor too many");
  }
  Tensor index = empty(Shape(total), i64);
  auto out = index.data<std::int64_t>().begin();
  for (std::size_t i = 0; i < counts.size(); ++i)
    out = std::fill_n(out, counts[i], static_cast<std::int64_t>(i));
  return rows.index_select(d, index);
}

Tensor Tensor::flip(const Shape& dims) const {
  Shape read = strides();
  std::int64_t start = 0;
  std::uint32_t seen = 0;
  for (const std::int64_t dim : dims) {
    const int d = wrap_dim(dim, sizes().size(), "flip");
    if (sizes().empty()) continue;
    if ((seen >> d & 1U) != 0)
      throw Error("flip", fmt::format("dimension {} appears twice in {}", dim, to_string(dims)));
    seen |= 1U << d;
    start += (sizes()[d] - 1) * read[d];
    read[d] = -read[d];
  }
  Tensor y = empty(sizes(), dtype());
  if (numel() != 0) {
    const auto* first =
        static_cast<const std::byte*>(raw_data()) + start * static_cast<std::int64_t>(item_size(dtype()));
    kernels::convert(sizes(), dtype(), {first, read}, dtype(), ops::out(y));
  }
  if (!recording(*this)) return y;
  return record("flip", y, {this}, [dims](const Node&, const Tensor& grad) { return grad.flip(dims); });
}

Tensor Tensor::roll(const Shape& shifts, const Shape& dims) const {
  if (dims.empty() && shifts.size() == 1) return reshape({-1}).roll(shifts, 0).reshape(sizes());
  if (shifts.size() != dims.size() || shifts.empty()) {
    throw Error("roll", fmt::format("shifts {} along dimensions {}", to_string(shifts), to_string(dims)),
                "one shift for each dimension, or a single one without dimensions");
  }
  if (sizes().empty())
    throw Error("roll", fmt::format("a 0-d tensor has no dimensions {}", to_string(dims)),
                "give the shift alone");
  Tensor y = *this;
  for (int i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim(dims[i], sizes().size(), "roll");
    const std::int64_t n = sizes()[d];
    const std::int64_t shift = n == 0 ? 0 : (shifts[i] % n + n) % n;
    if (shift != 0) y = cat({y.narrow(d, n - shift, shift), y.narrow(d, 0, n - shift)}, d);
  }
  return y.is_same(*this) ? clone() : y;
}

Tensor rot90(const Tensor& x, std::int64_t k, std::int64_t dim0, std::int64_t dim1) {
  const int a = wrap_dim(dim0, x.sizes().size(), "rot90");
  const int b = wrap_dim(dim1, x.sizes().size(), "rot90");
  if (a == b) {
    throw Error(
        "rot90",
        fmt::format("dimensions {} and {} of shape {} span no plane", dim0, dim1, to_string(x.sizes())),
        "give two different dimensions");
  }
  switch ((k % 4 + 4) % 4) {
    case 1: return x.flip(b).transpose(a, b).contiguous();
    case 2: return x.flip({a, b});
    case 3: return x.flip(a).transpose(a, b).contiguous();
    default: return x.clone();
  }
}

namespace {

// x with zeros where column - row lies on one side of `diagonal`.
Tensor triangle(const char* operation, const Tensor& x, std::int64_t diagonal, bool lower) {
  if (x.dim() < 2) {
    throw Error(operation, fmt::format("a tensor of shape {} holds no matrices", to_string(x.sizes())),
                "it needs two dimensions or more");
  }
  const std::int64_t rows = x.size(-2);
  const std::int64_t columns = x.size(-1);
  const Tensor offset = arange(columns) - arange(rows).unsqueeze(1);
  const Tensor kept = lower ? le(offset, diagonal) : ge(offset, diagonal);
  return where(kept, x, zeros({}, x.dtype()));
}

}  // namespace

Tensor Tensor::tril(std::int64_t diagonal) const { return triangle("tril", *this, diagonal, true); }
Tensor Tensor::triu(std::int64_t diagonal) const { return triangle("triu", *this, diagonal, false); }

Tensor Tensor::diag(std::int64_t offset) const {
  if (dim() == 1) return diag_embed(*this, offset);
  if (dim() == 2) return diagonal(offset).clone();
  throw Error("diag", fmt::format("a tensor of shape {} is no vector or matrix", to_string(sizes())),
              "use diagonal() or diag_embed() for batches");
}

Tensor diag_embed(const Tensor& x, std::int64_t offset, std::int64_t dim0, std::int64_t dim1) {
  if (x.dim() == 0) throw Error("diag_embed", "a 0-d tensor is no diagonal", "use reshape({1}) first");
  const int rank = x.sizes().size() + 1;
  const int a = wrap_dim(dim0, rank, "diag_embed");
  const int b = wrap_dim(dim1, rank, "diag_embed");
  if (a == b) throw Error("diag_embed", fmt::format("dimensions {} and {} are the same", dim0, dim1));
  const std::int64_t n = x.sizes().back();
  std::int64_t side = 0;
  if (offset == INT64_MIN || __builtin_add_overflow(n, offset < 0 ? -offset : offset, &side))
    throw Error("diag_embed",
                fmt::format("a diagonal {} away from the main one makes too large a matrix", offset));
  Shape sizes = x.sizes();
  sizes.erase(rank - 2);
  sizes.insert(std::min(a, b), side);
  sizes.insert(std::max(a, b), side);
  // Where the diagonal of such a tensor lies: diagonal() says, without the tensor's numbers.
  const ops::Geometry whole = ops::contiguous_geometry(sizes);
  Shape of_sizes = sizes;
  Shape of_strides = whole.strides;
  const std::int64_t first = offset >= 0 ? offset * whole.strides[b] : -offset * whole.strides[a];
  const std::int64_t stride = whole.strides[a] + whole.strides[b];
  for (const int d : {std::max(a, b), std::min(a, b)}) {
    of_sizes.erase(d);
    of_strides.erase(d);
  }
  of_sizes.push_back(n);
  of_strides.push_back(stride);
  return ops::restride(x, {of_sizes, of_strides, first}, whole);
}

namespace {

// left and right of each dimension, first dimension first.
std::vector<std::pair<std::int64_t, std::int64_t>> by_dimension(const Tensor& x,
                                                                const std::vector<std::int64_t>& padding) {
  const auto rank = static_cast<std::size_t>(x.dim());
  if (padding.size() % 2 != 0 || padding.size() / 2 > rank) {
    throw Error("pad",
                fmt::format("padding [{}] for shape {}", fmt::join(padding, ", "), to_string(x.sizes())),
                "two numbers a dimension, for the last one first");
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> sides(rank);
  for (std::size_t i = 0; i < padding.size() / 2; ++i) {
    const auto& [left, right] = sides[rank - 1 - i] = {padding[2 * i], padding[2 * i + 1]};
    const std::int64_t n = x.sizes()[static_cast<int>(rank - 1 - i)];
    std::int64_t size = 0;
    if (__builtin_add_overflow(n, left, &size) || __builtin_add_overflow(size, right, &size) || size < 0 ||
        n + std::min<std::int64_t>(left, 0) < 0 || n + std::min<std::int64_t>(right, 0) < 0) {
      throw Error("pad",
                  fmt::format("padding by {} and {} in dimension {} of shape {}", left, right, rank - 1 - i,
                              to_string(x.sizes())),
                  "negative numbers cut off at most what is there");
    }
  }
  return sides;
}

Tensor pad_constant(const Tensor& x, const std::vector<std::int64_t>& padding, double value) {
  const auto sides = by_dimension(x, padding);
  Shape sizes = x.sizes();
  Tensor inner = x.detach();
  for (int d = 0; d < sizes.size(); ++d) {
    const auto [left, right] = sides[static_cast<std::size_t>(d)];
    sizes[d] += left + right;
    const std::int64_t cut = std::max<std::int64_t>(-left, 0);
    const std::int64_t kept = x.sizes()[d] - cut - std::max<std::int64_t>(-right, 0);
    inner = inner.narrow(d, std::min(cut, x.sizes()[d]), std::max<std::int64_t>(kept, 0));
  }
  Tensor y = full(sizes, value, x.dtype());
  Tensor window = y;
  for (int d = 0; d < sizes.size(); ++d)
    window = window.narrow(d, std::max<std::int64_t>(sides[static_cast<std::size_t>(d)].first, 0),
                           inner.sizes()[d]);
  kernels::convert(inner.sizes(), x.dtype(), ops::in(inner), x.dtype(), ops::out(window));
  if (!recording(x)) return y;
  return record("pad", y, {&x}, [padding](const Node&, const Tensor& grad) {
    std::vector<std::int64_t> back(padding.size());
    std::transform(padding.begin(), padding.end(), back.begin(), std::negate<>());
    return pad_constant(grad, back, 0);
  });
}

// The position in 0..n-1 that position i of the padded dimension is taken from.
std::int64_t source_of(std::int64_t i, std::int64_t n, PadMode mode) {
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case PadMode::circular: return i < 0 ? i + n : i >= n ? i - n : i;
    default: return std::clamp<std::int64_t>(i, 0, n - 1);
  }
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<std::int64_t>& padding, const PadOptions& options) {
  // As torch: reflection in up to two dimensions, replication in up to three.
  if (autocast_enabled() && ((options.mode == PadMode::reflect && padding.size() <= 4) ||
                             (options.mode == PadMode::replicate && padding.size() <= 6)))
    return ops::autocast_to<f32>(pad, x, padding, options);
  if (options.mode == PadMode::constant) return pad_constant(x, padding, options.value);
  const auto sides = by_dimension(x, padding);
  Tensor y = x;
  for (int d = 0; d < x.sizes().size(); ++d) {
    const auto [left, right] = sides[static_cast<std::size_t>(d)];
    if (left == 0 && right == 0) continue;
    const std::int64_t n = x.sizes()[d];
    const std::int64_t most = options.mode == PadMode::reflect    ? n - 1
                              : options.mode == PadMode::circular ? n
                              : n > 0                             ? INT64_MAX
                                                                  : 0;
    if (left > most || right > most) {
      throw Error("pad",
                  fmt::format("padding by {} and {} in dimension {} of shape {}", left, right, d,
                              to_string(x.sizes())),
                  fmt::format("there are only {} elements to take there", most));
    }
    Tensor index = empty(Shape(n + left + right), i64);
    const auto span = index.data<std::int64_t>();
    for (std::size_t i = 0; i < span.size(); ++i)
      span[i] = source_of(static_cast<std::int64_t>(i) - left, n, options.mode);
    y = y.index_select(d, index);
  }
  return y.is_same(x) ? x.clone() : y;
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, Indexing indexing) {
  if (tensors.empty()) throw Error("meshgrid", "no tensors", "give at least one");
  std::vector<Tensor> vectors = tensors;
  const bool swapped = indexing == Indexing::xy && vectors.size() >= 2;
  if (swapped) std::swap(vectors[0], vectors[1]);
  Shape sizes;
  for (const Tensor& x : vectors) {
    if (x.dim() > 1)
      throw Error("meshgrid", fmt::format("a tensor of shape {} is no vector", to_string(x.sizes())),
                  "flatten() it first");
    sizes.push_back(x.numel());
  }
  std::vector<Tensor> grids;
  for (int i = 0; i < sizes.size(); ++i) {
    Shape along = Shape::filled(sizes.size(), 1);
    along[i] = sizes[i];
    grids.push_back(vectors[static_cast<std::size_t>(i)].reshape(along).expand(sizes));
  }
  if (swapped) std::swap(grids[0], grids[1]);
  return grids;
}

}  // namespace mica
