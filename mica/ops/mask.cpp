#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/mask.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/mask.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/positions.h>

namespace mica {

using autograd::record;
using autograd::recording;
using Pair = std::array<Tensor, 2>;

namespace {

std::int64_t item_size_of(const Tensor& x) { return static_cast<std::int64_t>(item_size(x.dtype())); }

// A mask of these sizes, row-major.
Tensor checked_mask(const char* operation, const Tensor& mask, const Shape& sizes) {
  if (mask.dtype() != boolean) {
    throw Error(operation, fmt::format("the mask is {}, not bool", name(mask.dtype())),
                "compare first: x > 0");
  }
  return mask.expand(sizes).contiguous();
}

kernels::MaskCount count(const Tensor& mask) { return {mask.data<bool>().data(), mask.numel()}; }

// Without history, row-major.
Tensor plain(const Tensor& x) { return x.detach().contiguous(); }

}  // namespace

Tensor Tensor::masked_select(const Tensor& given) const {
  const Shape sizes = broadcast_shapes(this->sizes(), given.sizes(), "masked_select");
  const Tensor mask = checked_mask("masked_select", given, sizes);
  const Tensor x = expand(sizes);
  const kernels::MaskCount chosen = count(mask);
  Tensor y = empty({chosen.total()}, dtype());
  kernels::compress(item_size_of(y), chosen, plain(x).raw_data(), y.raw_data());
  if (!recording(x)) return y;
  return record("masked_select", y, {&x}, [mask = Saved(mask)](const Node& node, const Tensor& grad) {
    const Tensor m = mask.get(node);
    return masked_scatter(zeros(m.sizes(), grad.dtype()), m, grad);
  });
}

Tensor masked_scatter(const Tensor& given, const Tensor& given_mask, const Tensor& source) {
  ops::check_same_dtype("masked_scatter", given, "the tensor", source, "the source");
  const Shape sizes = broadcast_shapes(given.sizes(), given_mask.sizes(), "masked_scatter");
  const Tensor mask = checked_mask("masked_scatter", given_mask, sizes);
  const kernels::MaskCount chosen = count(mask);
  if (chosen.total() > source.numel()) {
    throw Error("masked_scatter", fmt::format("the mask chooses {} elements, the source has {}",
                                              chosen.total(), source.numel()));
  }
  const Tensor x = given.expand(sizes);
  Tensor y = empty(sizes, x.dtype());
  kernels::convert(sizes, x.dtype(), ops::in(x), x.dtype(), ops::out(y));
  kernels::expand(item_size_of(y), chosen, plain(source).raw_data(), y.raw_data());
  if (!recording(x, source)) return y;
  return record("masked_scatter", y, {&x, &source},
                [mask = Saved(mask), used = chosen.total(), sizes = source.sizes()](
                    const Node& node, const Tensor& grad) -> Pair {
                  const Tensor m = mask.get(node);
                  Pair grads;
                  if (node.needs(0)) grads[0] = masked_fill(grad, m, 0);
                  if (node.needs(1)) {
                    const Tensor picked = grad.masked_select(m);
                    grads[1] = picked;
                    if (used < sizes.numel()) {
                      const Tensor all = zeros({sizes.numel()}, grad.dtype());
                      grads[1] = all.index_copy(0, arange(used), picked);
                    }
                    grads[1] = grads[1].reshape(sizes);
                  }
                  return grads;
                });
}

Tensor Tensor::nonzero() const {
  const Tensor mask = dtype() == boolean ? contiguous() : plain(mica::ne(detach(), 0));
  const kernels::MaskCount chosen = count(mask);
  Tensor y = empty({chosen.total(), dim()}, i64);
  kernels::coordinates(chosen, sizes(), y.data<std::int64_t>().data());
  return y;
}

std::vector<Tensor> nonzero_tuple(const Tensor& x) {
  const Tensor positions = (x.dim() == 0 ? x.detach().reshape({1}) : x).nonzero();
  std::vector<Tensor> columns;
  columns.reserve(static_cast<std::size_t>(positions.size(1)));
  for (std::int64_t d = 0; d < positions.size(1); ++d) columns.push_back(positions.select(1, d));
  return columns;
}

Tensor one_hot(const Tensor& classes, std::int64_t num_classes) {
  if (num_classes < -1 || num_classes == 0) {
    throw Error("one_hot", fmt::format("num_classes is {}", num_classes), "give a positive number, or none");
  }
  if (num_classes == -1) {
    if (classes.numel() == 0) {
      throw Error("one_hot", "no classes to count in an empty tensor", "give num_classes");
    }
    num_classes = std::max<std::int64_t>(classes.to(i64).max().item<std::int64_t>() + 1, 1);
  }
  const Tensor index = ops::checked_index("one_hot", classes, ops::Negative::refused, num_classes, -1);
  Shape sizes = classes.sizes();
  sizes.push_back(num_classes);
  const Tensor column = index.expand(classes.sizes()).unsqueeze(-1);
  return zeros(sizes, i64).scatter_(-1, column, 1);
}

}  // namespace mica
