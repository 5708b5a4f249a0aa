#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/gemm.h>
#include <mica/ops/detail.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

// A matrix, or a batch of them evenly spaced in memory, as gemm wants it.
struct Matrix {
  Tensor tensor;  // keeps a copy alive when the original did not fit
  bool transposed = false;
  std::int64_t leading = 1;
  std::int64_t batch_stride = 0;
};

// (batch, rows, columns), any strides.
Matrix as_matrix(const Tensor& x) {
  const std::int64_t rows = x.sizes()[1];
  const std::int64_t columns = x.sizes()[2];
  const Shape& s = x.strides();
  const std::int64_t batch_stride = x.sizes()[0] == 1 ? 0 : s[0];
  const auto usable = [](std::int64_t inner, std::int64_t inner_count, std::int64_t outer,
                         std::int64_t outer_count) {
    return (inner == 1 || inner_count == 1) &&
           (outer_count == 1 || outer >= std::max<std::int64_t>(inner_count, 1));
  };
  if (usable(s[2], columns, s[1], rows)) {
    return {x, false, rows == 1 ? std::max<std::int64_t>(columns, 1) : s[1], batch_stride};
  }
  if (usable(s[1], rows, s[2], columns)) {
    return {x, true, columns == 1 ? std::max<std::int64_t>(rows, 1) : s[2], batch_stride};
  }
  const Tensor copy = x.detach().contiguous();
  return {copy, false, std::max<std::int64_t>(columns, 1), x.sizes()[0] == 1 ? 0 : rows * columns};
}

// (B, m, k) x (B, k, n) -> (B, m, n) without history; a batch of 1 serves all.
Tensor product(const Tensor& a, const Tensor& b) {
  const std::int64_t batch = std::max(a.sizes()[0], b.sizes()[0]);
  const bool none = a.sizes()[0] == 0 || b.sizes()[0] == 0;
  const std::int64_t m = a.sizes()[1];
  const std::int64_t k = a.sizes()[2];
  const std::int64_t n = b.sizes()[2];
  Tensor c = empty({none ? 0 : batch, m, n}, a.dtype());
  if (c.numel() == 0) return c;
  const Matrix left = as_matrix(a);
  const Matrix right = as_matrix(b);
  kernels::gemm({.dtype = a.dtype(),
                 .trans_a = left.transposed,
                 .trans_b = right.transposed,
                 .m = m,
                 .n = n,
                 .k = k,
                 .a = left.tensor.raw_data(),
                 .b = right.tensor.raw_data(),
                 .c = c.raw_data(),
                 .lda = left.leading,
                 .ldb = right.leading,
                 .ldc = n,
                 .batch = batch,
                 .batch_stride_a = left.batch_stride,
                 .batch_stride_b = right.batch_stride,
                 .batch_stride_c = m * n});
  return c;
}

// The one recorded product: three dimensions each, batches equal or 1.
Tensor bmm(const Tensor& a, const Tensor& b) {
  Tensor c = product(a, b);
  if (!recording(a, b)) return c;
  return record("matmul", c, {&a, &b},
                [a = Saved(a), b = Saved(b)](const Node& node, const Tensor& grad) -> std::array<Tensor, 2> {
                  // (B, m, n) (B, n, k) and (B, k, m) (B, m, n); the engine sums over a broadcast batch
                  return {node.needs(0) ? bmm(grad, b.get(node).transpose(1, 2)) : Tensor(),
                          node.needs(1) ? bmm(a.get(node).transpose(1, 2), grad) : Tensor()};
                });
}

Shape batch_of(const Tensor& x) {
  return {std::span<const std::int64_t>(x.sizes().begin(), x.sizes().end() - 2)};
}

Shape joined(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape s = batch;
  s.push_back(rows);
  s.push_back(columns);
  return s;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) {
    throw Error("matmul",
                fmt::format("shapes {} and {}: a 0-d tensor is no matrix", to_string(a.sizes()),
                            to_string(b.sizes())),
                "multiply by a number with *");
  }
  ops::check_same_dtype("matmul", a, "the first matrix", b, "the second");
  if (a.dtype() == boolean || a.dtype() == u8) {
    throw Error("matmul", fmt::format("not defined for {}", name(a.dtype())),
                "convert with to(i64) or to(f32)");
  }
  if (ops::compute_type(a.dtype()) != a.dtype()) return matmul(a.to(f32), b.to(f32)).to(a.dtype());
  if (a.dim() == 1) {
    const Tensor y = matmul(a.unsqueeze(0), b);
    return b.dim() == 1 ? y.squeeze(0) : y.squeeze(-2);
  }
  if (b.dim() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);

  const std::int64_t m = a.size(-2);
  const std::int64_t k = a.size(-1);
  const std::int64_t n = b.size(-1);
  if (b.size(-2) != k) {
    throw Error("matmul",
                fmt::format("shapes {} and {}: {} columns on the left, {} rows on the right",
                            to_string(a.sizes()), to_string(b.sizes()), k, b.size(-2)),
                "the last size of the first must equal the second-to-last of the second");
  }
  if (b.dim() == 2) {  // one matrix for all: fold the batch into the rows
    const Tensor y = bmm(a.reshape({1, batch_of(a).numel() * m, k}), b.unsqueeze(0));
    return y.reshape(joined(batch_of(a), m, n));
  }
  const Shape batch = broadcast_shapes(batch_of(a), batch_of(b), "matmul");
  const std::int64_t count = batch.numel();
  const auto as_batch = [&](const Tensor& x, std::int64_t rows, std::int64_t columns) {
    if (batch_of(x).numel() == 1 && count > 0) return x.reshape({1, rows, columns});
    return x.expand(joined(batch, rows, columns)).reshape({count, rows, columns});
  };
  return bmm(as_batch(a, m, k), as_batch(b, k, n)).reshape(joined(batch, m, n));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.dim() == 0 || weight.dim() > 2 || weight.dim() == 0) {
    throw Error("linear", fmt::format("input {}, weight {}", to_string(x.sizes()), to_string(weight.sizes())),
                "input is (..., in_features), weight (out_features, in_features)");
  }
  if (weight.dim() == 1) {
    const Tensor y = matmul(x, weight);
    return bias.defined() ? add(y, bias) : y;
  }
  const std::int64_t in = weight.sizes()[1];
  const std::int64_t out = weight.sizes()[0];
  if (x.sizes().back() != in) {
    throw Error("linear", fmt::format("input of shape {} has {} features, weight {} expects {}",
                                      to_string(x.sizes()), x.sizes().back(), to_string(weight.sizes()), in));
  }
  if (bias.defined() && bias.sizes() != Shape(out)) {
    throw Error("linear", fmt::format("bias of shape {} for {} outputs", to_string(bias.sizes()), out));
  }
  ops::check_same_dtype("linear", x, "the input", weight, "the weight");
  if (bias.defined()) ops::check_same_dtype("linear", bias, "the bias", weight, "the weight");
  if (ops::compute_type(x.dtype()) != x.dtype()) {
    return linear(x.to(f32), weight.to(f32), bias.defined() ? bias.to(f32) : bias).to(x.dtype());
  }
  ops::check_floating("linear", x);
  Shape sizes = x.sizes();
  sizes[sizes.size() - 1] = out;
  const std::int64_t rows = Shape(std::span<const std::int64_t>(sizes.begin(), sizes.end() - 1)).numel();

  const Tensor dense = x.contiguous();
  const Tensor w = weight.contiguous();
  const Tensor c = bias.defined() ? bias.contiguous() : Tensor();
  Tensor y = empty(sizes, x.dtype());
  kernels::linear(x.dtype(), rows, in, out, dense.raw_data(), w.raw_data(),
                  c.defined() ? c.raw_data() : nullptr, y.raw_data());
  if (!recording(dense, w, c)) return y;
  return record("linear", y, {&dense, &w, &c},
                [rows, in, out, x = Saved(dense), w = Saved(w)](const Node& node,
                                                                const Tensor& grad) -> std::array<Tensor, 3> {
                  const Tensor g = grad.reshape({rows, out});
                  const Tensor input = x.get(node);
                  return {node.needs(0) ? matmul(g, w.get(node)).reshape(input.sizes()) : Tensor(),
                          node.needs(1) ? matmul(g.t(), input.reshape({rows, in})) : Tensor(),
                          node.needs(2) ? g.sum(0) : Tensor()};
                });
}

Tensor Tensor::matmul(const Tensor& other) const { return mica::matmul(*this, other); }

}  // namespace mica
