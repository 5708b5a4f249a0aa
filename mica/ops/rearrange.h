// Copies of a tensor with its elements in other places. Each is differentiable. Free functions of the members
// of Tensor with the same names.
#pragma once

#include <utility>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// The whole tensor, repeats[i] times along each dimension; more repeats than dimensions make new ones in
// front. Errors: fewer repeats than dimensions, negative ones.
inline Tensor repeat(const Tensor& x, const Shape& repeats) { return x.repeat(repeats); }
// The same, where missing repeats are ones (NumPy's tile).
inline Tensor tile(const Tensor& x, const Shape& dims) { return x.tile(dims); }
// Each slice of a dimension (of the flattened tensor without one) `repeats` times, or its own number of
// times.
inline Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim = {}) {
  return x.repeat_interleave(repeats, dim);
}
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim = {});
// The other way round along these dimensions.
inline Tensor flip(const Tensor& x, const Shape& dims) { return x.flip(dims); }
// Moved by `shifts` along each dimension, from one end in at the other; without dimensions the flattened
// tensor is.
inline Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims = {}) {
  return x.roll(shifts, dims);
}
// k quarter turns from the first dimension to the second.
Tensor rot90(const Tensor& x, std::int64_t k = 1, std::int64_t dim0 = 0, std::int64_t dim1 = 1);

// The matrices over the last two dimensions with zeros above, or below, a diagonal (0: the main one; > 0:
// above it).
inline Tensor tril(const Tensor& x, std::int64_t diagonal = 0) { return x.tril(diagonal); }
inline Tensor triu(const Tensor& x, std::int64_t diagonal = 0) { return x.triu(diagonal); }
// A matrix with the vector on a diagonal, or a diagonal of the matrix.
inline Tensor diag(const Tensor& x, std::int64_t diagonal = 0) { return x.diag(diagonal); }
// Matrices over dim0 and dim1 of the result with x's last dimension on a diagonal.
Tensor diag_embed(const Tensor& x, std::int64_t offset = 0, std::int64_t dim0 = -2, std::int64_t dim1 = -1);

enum class PadMode { constant, reflect, replicate, circular };
struct PadOptions {
  PadMode mode = PadMode::constant;
  double value = 0;  // for constant
};
// Adds elements around a tensor (nn.functional.pad): {left, right} of the last dimension, then of the one
// before... Negative numbers cut off. Errors: an odd count or too many; reflect by as much as the size or
// more, circular by more.
Tensor pad(const Tensor& x, const std::vector<std::int64_t>& padding, const PadOptions& options = {});

// Grids from vectors: result i varies along dimension i only (ij), or with the first two exchanged (xy).
enum class Indexing { ij, xy };
std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, Indexing indexing = Indexing::ij);

}  // namespace mica
