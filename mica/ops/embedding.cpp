#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/index.h>
#include <mica/ops/compare.h>
#include <mica/ops/detail.h>
#include <mica/ops/embedding.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

Tensor lookup(const Tensor& indices, const Tensor& weight, std::int64_t padding);

// The gradient of the table: every looked-up row's gradient added to its row.
Tensor embedding_backward(const Tensor& grad, const Tensor& indices, std::int64_t rows,
                          std::int64_t padding) {
  const Tensor g = grad.detach().contiguous();
  const std::int64_t n = g.sizes().back();
  Tensor table = empty({rows, n}, g.dtype());
  kernels::scatter_add_rows(g.dtype(), indices.numel(), rows, n, g.raw_data(),
                            indices.data<std::int64_t>().data(), padding, table.raw_data());
  if (!recording(grad)) return table;
  return record("embedding_backward", table, {&grad}, [indices, padding](const Node&, const Tensor& gg) {
    const Tensor picked = lookup(indices, gg, padding);
    return padding < 0 ? picked : picked * ne(indices, padding).unsqueeze(-1);
  });
}

Tensor lookup(const Tensor& indices, const Tensor& weight, std::int64_t padding) {
  const Tensor table = weight.contiguous();
  const std::int64_t n = table.sizes()[1];
  Shape sizes = indices.sizes();
  sizes.push_back(n);
  Tensor y = empty(sizes, table.dtype());
  kernels::gather_rows(indices.numel(), n * static_cast<std::int64_t>(item_size(table.dtype())),
                       table.raw_data(), indices.data<std::int64_t>().data(), y.raw_data());
  if (!recording(table)) return y;
  return record(
      "embedding", y, {&table},
      [at = Saved(indices), padding, rows = table.sizes()[0]](const Node& node, const Tensor& grad) {
        const Tensor indices = at.get(node);
        if (ops::compute_type(grad.dtype()) != grad.dtype()) {
          return embedding_backward(grad.to(f32), indices, rows, padding);
        }
        return embedding_backward(grad, indices, rows, padding);
      });
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<std::int64_t> padding_idx) {
  if (weight.dim() != 2) {
    throw Error("embedding", fmt::format("weight of shape {} is no table", to_string(weight.sizes())),
                "expected (V, D)");
  }
  if (indices.dtype() != i64 && indices.dtype() != i32) {
    throw Error("embedding", fmt::format("indices are {}", name(indices.dtype())),
                "use i64 or i32; x.to(i64)");
  }
  const std::int64_t rows = weight.sizes()[0];
  const Tensor at = indices.to(i64).contiguous();
  for (const std::int64_t i : at.data<std::int64_t>()) {
    if (i < 0 || i >= rows) {
      throw Error("embedding", fmt::format("index {} is out of range for a table of {} rows", i, rows));
    }
  }
  std::int64_t padding = padding_idx.value_or(-1);
  if (padding_idx) {
    if (padding < -rows || padding >= rows) {
      throw Error("embedding",
                  fmt::format("padding_idx {} is out of range for a table of {} rows", padding, rows));
    }
    if (padding < 0) padding += rows;
  }
  return lookup(at, weight, padding);
}

}  // namespace mica
