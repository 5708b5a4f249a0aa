#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/gemm.h>
#include <mica/ops/autocast.h>
#include <mica/ops/creation.h>
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

// The dtype to multiply in: f32 for bf16 and f16; i64 for u8, whose sums wrap like those of u8.
DType product_type(DType t) { return t == u8 ? i64 : ops::compute_type(t); }

// (B, m, k) x (B, k, n) -> (B, m, n) without history; a batch of 1 serves all.
Tensor product(const Tensor& a, const Tensor& b) {
  if (const DType type = product_type(a.dtype()); type != a.dtype())
    return ops::convert(product(ops::convert(a, type), ops::convert(b, type)), a.dtype());
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
Tensor batch_product(const Tensor& a, const Tensor& b) {
  Tensor c = product(a, b);
  if (!recording(a, b)) return c;
  return record("matmul", c, {&a, &b},
                [a = Saved(a), b = Saved(b)](const Node& node, const Tensor& grad) -> std::array<Tensor, 2> {
                  // (B, m, n) (B, n, k) and (B, k, m) (B, m, n); the engine sums over a broadcast batch
                  return {node.needs(0) ? batch_product(grad, b.get(node).transpose(1, 2)) : Tensor(),
                          node.needs(1) ? batch_product(a.get(node).transpose(1, 2), grad) : Tensor()};
                });
}

Shape batch_of(const Tensor& x) {
  return {std::span<const std::int64_t>(x.sizes().begin(), x.sizes().end() - 2)};
}

void check_dtypes(const char* operation, const Tensor& a, const Tensor& b) {
  ops::check_same_dtype(operation, a, "the first factor", b, "the second");
  if (a.dtype() == boolean) throw Error(operation, "not defined for bool", "convert with to(i64) or to(f32)");
}

void check_dims(const char* operation, const Tensor& x, int dims, const char* what) {
  if (x.dim() == dims) return;
  throw Error(operation, fmt::format("a tensor of shape {} is no {}", to_string(x.sizes()), what),
              "matmul takes any number of dimensions");
}

// Both have two dimensions or more.
void check_inner(const char* operation, const Tensor& a, const Tensor& b) {
  if (b.size(-2) == a.size(-1)) return;
  throw Error(operation,
              fmt::format("shapes {} and {}: {} columns on the left, {} rows on the right",
                          to_string(a.sizes()), to_string(b.sizes()), a.size(-1), b.size(-2)),
              "the last size of the first must equal the second-to-last of the second");
}

void check_vectors(const char* operation, const Tensor& a, const Tensor& b) {
  check_dims(operation, a, 1, "vector");
  check_dims(operation, b, 1, "vector");
}

// beta * x + alpha * product, all of one dtype that is computed in.
Tensor add_product(const char* operation, const Tensor& x, Tensor product, const AddProduct& options) {
  const auto [beta, alpha] = options;
  if (!is_floating_point(product.dtype()) && (beta.kind() == f64 || alpha.kind() == f64)) {
    throw Error(operation,
                fmt::format("beta {} and alpha {} for tensors of {}", beta.to_double(), alpha.to_double(),
                            name(product.dtype())),
                "give whole numbers, or convert the tensors with to(f32)");
  }
  if (broadcast_shapes(x.sizes(), product.sizes(), operation) != product.sizes()) {
    throw Error(operation, fmt::format("an input of shape {} for a product of shape {}", to_string(x.sizes()),
                                       to_string(product.sizes())));
  }
  // What is multiplied by a beta of 0 may be NaN; its gradient is 0.
  const Tensor kept = beta.to_double() == 0 ? masked_fill(x, ones({}, boolean), 0) : mul(x, beta);
  return add(mul(std::move(product), alpha), kept);
}

Shape joined(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape s = batch;
  s.push_back(rows);
  s.push_back(columns);
  return s;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(mica::matmul, a, b);
  if (a.dim() == 0 || b.dim() == 0) {
    throw Error("matmul",
                fmt::format("shapes {} and {}: a 0-d tensor is no matrix", to_string(a.sizes()),
                            to_string(b.sizes())),
                "multiply by a number with *");
  }
  check_dtypes("matmul", a, b);
  if (a.dim() == 1) {
    const Tensor y = matmul(a.unsqueeze(0), b);
    return b.dim() == 1 ? y.squeeze(0) : y.squeeze(-2);
  }
  if (b.dim() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);

  const std::int64_t m = a.size(-2);
  const std::int64_t k = a.size(-1);
  const std::int64_t n = b.size(-1);
  check_inner("matmul", a, b);
  if (b.dim() == 2) {  // one matrix for all: fold the batch into the rows
    const Tensor y = batch_product(a.reshape({1, batch_of(a).numel() * m, k}), b.unsqueeze(0));
    return y.reshape(joined(batch_of(a), m, n));
  }
  const Shape batch = broadcast_shapes(batch_of(a), batch_of(b), "matmul");
  const std::int64_t count = batch.numel();
  const auto as_batch = [&](const Tensor& x, std::int64_t rows, std::int64_t columns) {
    if (batch_of(x).numel() == 1 && count > 0) return x.reshape({1, rows, columns});
    return x.expand(joined(batch, rows, columns)).reshape({count, rows, columns});
  };
  return batch_product(as_batch(a, m, k), as_batch(b, k, n)).reshape(joined(batch, m, n));
}

Tensor mm(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(mica::mm, a, b);
  check_dims("mm", a, 2, "matrix");
  check_dims("mm", b, 2, "matrix");
  check_dtypes("mm", a, b);
  check_inner("mm", a, b);
  return matmul(a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(mica::bmm, a, b);
  check_dims("bmm", a, 3, "batch of matrices");
  check_dims("bmm", b, 3, "batch of matrices");
  check_dtypes("bmm", a, b);
  if (a.size(0) != b.size(0)) {
    throw Error("bmm",
                fmt::format("batches of {} and {} matrices, shapes {} and {}", a.size(0), b.size(0),
                            to_string(a.sizes()), to_string(b.sizes())),
                "matmul broadcasts batches");
  }
  check_inner("bmm", a, b);
  return matmul(a, b);
}

Tensor mv(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return ops::autocast_off(mica::mv, a, b);
  check_dims("mv", a, 2, "matrix");
  check_dims("mv", b, 1, "vector");
  check_dtypes("mv", a, b);
  if (a.size(1) != b.size(0)) {
    throw Error("mv", fmt::format("a matrix of shape {} times a vector of shape {}", to_string(a.sizes()),
                                  to_string(b.sizes())));
  }
  return matmul(a, b);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  if (autocast_enabled()) return ops::autocast_off(mica::dot, a, b);
  check_vectors("dot", a, b);
  check_dtypes("dot", a, b);
  if (a.numel() != b.numel()) {
    throw Error("dot", fmt::format("vectors of {} and {} elements", a.numel(), b.numel()));
  }
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_vectors("outer", a, b);
  return mul(a.unsqueeze(1), b);
}

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(addmm, x, a, b, options);
  ops::check_same_dtype("addmm", x, "the input", a, "the first factor");
  ops::check_same_dtype("addmm", a, "the first factor", b, "the second");
  if (const DType type = product_type(a.dtype()); type != a.dtype())
    return addmm(x.to(type), a.to(type), b.to(type), options).to(a.dtype());
  return add_product("addmm", x, mm(a, b), options);
}

Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options) {
  if (autocast_enabled()) return ops::autocast_off(addmv, x, a, b, options);
  ops::check_same_dtype("addmv", x, "the input", a, "the matrix");
  ops::check_same_dtype("addmv", a, "the matrix", b, "the vector");
  if (const DType type = product_type(a.dtype()); type != a.dtype())
    return addmv(x.to(type), a.to(type), b.to(type), options).to(a.dtype());
  return add_product("addmv", x, mv(a, b), options);
}

Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(baddbmm, x, a, b, options);
  ops::check_same_dtype("baddbmm", x, "the input", a, "the first factor");
  ops::check_same_dtype("baddbmm", a, "the first factor", b, "the second");
  if (const DType type = product_type(a.dtype()); type != a.dtype())
    return baddbmm(x.to(type), a.to(type), b.to(type), options).to(a.dtype());
  return add_product("baddbmm", x, bmm(a, b), options);
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  if (autocast_enabled()) return ops::autocast_off(bilinear, x1, x2, weight, bias);
  check_dims("bilinear", weight, 3, "weight (out, in1, in2)");
  const auto [out, in1, in2] = std::array{weight.size(0), weight.size(1), weight.size(2)};
  const auto rows_of = [](const Tensor& x) {
    return x.dim() == 0 ? Shape()
                        : Shape(std::span<const std::int64_t>(x.sizes().begin(), x.sizes().end() - 1));
  };
  if (x1.dim() == 0 || x2.dim() == 0 || x1.size(-1) != in1 || x2.size(-1) != in2 ||
      rows_of(x1) != rows_of(x2)) {
    throw Error("bilinear",
                fmt::format("inputs of shapes {} and {} for a weight of shape {}", to_string(x1.sizes()),
                            to_string(x2.sizes()), to_string(weight.sizes())),
                "inputs are (..., in1) and (..., in2), with the same sizes before the last");
  }
  if (bias.defined() && bias.sizes() != Shape(out))
    throw Error("bilinear", fmt::format("bias of shape {} for {} outputs", to_string(bias.sizes()), out));
  ops::check_same_dtype("bilinear", x1, "the first input", weight, "the weight");
  ops::check_same_dtype("bilinear", x2, "the second input", weight, "the weight");
  if (bias.defined()) ops::check_same_dtype("bilinear", bias, "the bias", weight, "the weight");
  check_dtypes("bilinear", x1, weight);
  if (const DType type = product_type(x1.dtype()); type != x1.dtype()) {
    return bilinear(x1.to(type), x2.to(type), weight.to(type), bias.defined() ? bias.to(type) : bias)
        .to(x1.dtype());
  }
  Shape sizes = rows_of(x1);
  const std::int64_t rows = sizes.numel();
  sizes.push_back(out);
  const Tensor by_first = weight.permute({1, 0, 2}).reshape({in1, out * in2});
  const Tensor half = matmul(x1.reshape({rows, in1}), by_first).reshape({rows, out, in2});
  const Tensor y = matmul(half, x2.reshape({rows, in2, 1})).reshape(sizes);
  return bias.defined() ? add(y, bias) : y;
}

// All contiguous, without history. Narrow floats are widened here, where nothing is kept of it: what is saved
// for backward stays narrow.
static Tensor linear_values(const Shape& sizes, std::int64_t rows, const Tensor& x, const Tensor& weight,
                            const Tensor& bias) {
  const DType type = ops::compute_type(x.dtype());
  if (type != x.dtype()) {
    const Tensor wide_bias = bias.defined() ? ops::convert(bias, type) : bias;
    const Tensor y = linear_values(sizes, rows, ops::convert(x, type), ops::convert(weight, type), wide_bias);
    return ops::convert(y, x.dtype());
  }
  Tensor y = empty(sizes, type);
  kernels::linear(type, rows, weight.sizes()[1], weight.sizes()[0], x.raw_data(), weight.raw_data(),
                  bias.defined() ? bias.raw_data() : nullptr, y.raw_data());
  return y;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(linear, x, weight, bias);
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
  if (!is_floating_point(x.dtype())) {
    check_dtypes("linear", x, weight);
    const Tensor y = matmul(x, weight.t());
    return bias.defined() ? add(y, bias) : y;
  }
  Shape sizes = x.sizes();
  sizes[sizes.size() - 1] = out;
  const std::int64_t rows = Shape(std::span<const std::int64_t>(sizes.begin(), sizes.end() - 1)).numel();

  const Tensor dense = x.contiguous();
  const Tensor w = weight.contiguous();
  const Tensor c = bias.defined() ? bias.contiguous() : Tensor();
  Tensor y = linear_values(sizes, rows, dense, w, c);
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
Tensor Tensor::mm(const Tensor& other) const { return mica::mm(*this, other); }
Tensor Tensor::bmm(const Tensor& other) const { return mica::bmm(*this, other); }
Tensor Tensor::dot(const Tensor& other) const { return mica::dot(*this, other); }

}  // namespace mica
