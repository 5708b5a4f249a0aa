#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>

namespace mica {

namespace {
bool is_skipped(const Tensor& x) { return x.dim() == 1 && x.numel() == 0; }
}  // namespace

Tensor cat(std::span<const Tensor> given, std::int64_t dim) {
  if (given.empty()) throw Error("cat", "nothing to join", "give at least one tensor");
  std::vector<Tensor> tensors;
  DType type = given[0].dtype();
  for (const Tensor& x : given) {
    if (x.dim() == 0) throw Error("cat", "a 0-d tensor cannot be joined", "use stack()");
    type = ops::promote(type, x.dtype());
    if (!is_skipped(x)) tensors.push_back(x);
  }
  if (tensors.empty()) return given[0].to(type).clone();
  Shape sizes = tensors[0].sizes();
  const int d = wrap_dim(dim, sizes.size(), "cat");
  sizes[d] = 0;
  for (Tensor& x : tensors) {
    for (int i = 0; i < sizes.size(); ++i) {
      if (x.sizes().size() != sizes.size() || (i != d && x.sizes()[i] != sizes[i])) {
        throw Error("cat", fmt::format("shapes {} and {} differ outside dimension {}",
                                       to_string(tensors[0].sizes()), to_string(x.sizes()), d));
      }
    }
    sizes[d] += x.sizes()[d];
    x = x.to(type);
  }
  Tensor y = empty(sizes, type);
  std::int64_t start = 0;
  for (const Tensor& x : tensors) {
    const Tensor window = alias(y, x.sizes(), y.strides(), start * y.strides()[d]);
    kernels::convert(x.sizes(), type, ops::in(x), type, ops::out(window));
    start += x.sizes()[d];
  }
  if (!autograd::recording(tensors)) return y;
  std::vector<std::int64_t> lengths;
  lengths.reserve(tensors.size());
  for (const Tensor& x : tensors) lengths.push_back(x.sizes()[d]);
  return autograd::record_list("cat", y, tensors, [d, lengths](const Node& node, const Tensor& grad) {
    std::vector<Tensor> grads(lengths.size());
    std::int64_t first = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (node.needs(i)) grads[i] = grad.narrow(d, first, lengths[i]);
      first += lengths[i];
    }
    return grads;
  });
}

Tensor stack(std::span<const Tensor> tensors, std::int64_t dim) {
  if (tensors.empty()) throw Error("stack", "nothing to join", "give at least one tensor");
  const int d = wrap_dim(dim, tensors[0].sizes().size() + 1, "stack");
  std::vector<Tensor> rows;
  for (const Tensor& x : tensors) {
    if (x.sizes() != tensors[0].sizes()) {
      throw Error("stack", fmt::format("shapes {} and {} differ", to_string(tensors[0].sizes()),
                                       to_string(x.sizes())));
    }
    rows.push_back(x.unsqueeze(d));
  }
  return cat(rows, d);
}

}  // namespace mica
