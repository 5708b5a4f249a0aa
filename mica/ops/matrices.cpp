#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/matrices.h>
#include <mica/ops/pointwise.h>

namespace mica::ops {

namespace {

// column - row, (m, n)
Tensor offsets(const Tensor& x) { return arange(x.size(-1)) - arange(x.size(-2)).unsqueeze(1); }

}  // namespace

Shape batch_of(const Tensor& x) {
  return {std::span<const std::int64_t>(x.sizes().begin(), x.sizes().end() - 2)};
}

Shape with_batch(Shape batch, const Shape& last) {
  for (const std::int64_t size : last) batch.push_back(size);
  return batch;
}

Tensor lower_part(const Tensor& x, std::int64_t offset) { return masked_fill(x, gt(offsets(x), offset), 0); }
Tensor upper_part(const Tensor& x, std::int64_t offset) { return masked_fill(x, lt(offsets(x), offset), 0); }
Tensor identity_like(const Tensor& x) { return eye(x.size(-1), {}, x.dtype()); }

void check_matrices(const char* operation, const Tensor& x) {
  if (x.dim() < 2) {
    throw Error(operation, fmt::format("a tensor of shape {} is no matrix", to_string(x.sizes())),
                "matrices lie in the last two dimensions");
  }
  if (x.dtype() != f32 && x.dtype() != f64) {
    throw Error(operation, fmt::format("needs f32 or f64, got {}", name(x.dtype())),
                "convert with to(f32) or to(f64)");
  }
}

void check_square(const char* operation, const Tensor& x) {
  check_matrices(operation, x);
  if (x.size(-1) == x.size(-2)) return;
  throw Error(operation, fmt::format("matrices of shape {} are not square", to_string(x.sizes())));
}

kernels::Matrices matrices_of(const Tensor& x) {
  return {x.dtype(), batch_of(x).numel(), x.size(-2), x.size(-1)};
}

void check_done(const char* operation, const Tensor& x, std::int64_t failed, const char* what,
                const std::string& hint) {
  if (failed < 0) return;
  const Shape batch = batch_of(x);
  if (batch.empty()) throw Error(operation, fmt::format("the matrix is {}", what), hint);
  Shape place = batch;
  for (int i = batch.size() - 1; i >= 0; --i) {
    place[i] = failed % batch[i];
    failed /= batch[i];
  }
  throw Error(operation,
              fmt::format("matrix {} of a batch of shape {} is {}", to_string(place), to_string(batch), what),
              hint);
}

}  // namespace mica::ops
