#include <array>
#include <limits>
#include <type_traits>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/index.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/positions.h>
#include <mica/ops/reduce.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Scatter;
using ops::Along;
using Pair = std::array<Tensor, 2>;

namespace {

// The number that does not change others: where an element starts that is not to be counted itself.
Scalar identity(ScatterReduce reduce, DType type) {
  return dispatch(type, [&]<class T>() -> Scalar {
    if constexpr (std::is_arithmetic_v<T>) {
      using Limits = std::numeric_limits<T>;
      switch (reduce) {
        case ScatterReduce::prod: return T(1);
        case ScatterReduce::amax: return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
        case ScatterReduce::amin: return Limits::has_infinity ? Limits::infinity() : Limits::max();
        default: break;
      }
    }
    return 0;
  });
}

Scatter kernel_of(ScatterReduce reduce) {
  switch (reduce) {
    case ScatterReduce::prod: return Scatter::mul;
    case ScatterReduce::amax: return Scatter::max;
    case ScatterReduce::amin: return Scatter::min;
    default: return Scatter::add;
  }
}

void scatter_number(Scatter op, const Tensor& x, Scalar value, const Along& at) {
  ops::scatter_into(op, x, full({}, value, x.dtype()), at);
}

// Of how many numbers each element of x is the mean; 1 where nothing is written.
Tensor counts(const Tensor& x, DType type, const Along& at, bool include_self) {
  const Tensor n = full(x.sizes(), include_self ? 1 : 0, type);
  scatter_number(Scatter::add, n, 1, at);
  return maximum(n, ones({}, type));
}

Tensor rounded_down_quotient(const Tensor& sums, const Tensor& counts) {
  const Tensor a = sums.to(i64).contiguous();
  const Tensor b = counts.to(i64).contiguous();
  const Tensor y = empty(a.sizes(), i64);
  const auto quotients = y.data<std::int64_t>();
  for (std::size_t i = 0; i < quotients.size(); ++i) {
    const std::int64_t n = a.data<std::int64_t>()[i];
    const std::int64_t d = b.data<std::int64_t>()[i];
    quotients[i] = n / d - (n % d < 0 ? 1 : 0);
  }
  return y.to(sums.dtype());
}

// The result without history; of bf16 and f16 in f32.
Tensor reduced(const Tensor& x, const Tensor& source, const Along& at, ScatterReduce reduce,
               bool include_self) {
  const DType type = ops::compute_type(x.dtype());
  Tensor y = ops::convert(x, type);
  if (!include_self) scatter_number(Scatter::copy, y, identity(reduce, type), at);
  ops::scatter_into(kernel_of(reduce), y, source, at);
  if (reduce != ScatterReduce::mean || type == boolean) return y;
  const Tensor n = counts(x, type, at, include_self);
  return is_floating_point(type) ? div(y, n) : rounded_down_quotient(y, n);
}

struct Reduction {
  int dim;
  ScatterReduce reduce;
  bool include_self;

  Tensor again(const Tensor& x, const Tensor& index, const Tensor& source) const {
    return scatter_reduce(x, dim, index, source, reduce, include_self);
  }
  // What does not count has no gradient.
  Tensor of_self(const Tensor& grad, const Tensor& index) const {
    return include_self ? grad : grad.scatter(dim, index, 0);
  }
};

Pair mean_backward(const Reduction& r, const Tensor& grad, const Tensor& index) {
  const Along at = ops::along("scatter_reduce", grad, r.dim, index);
  const Tensor share = grad / counts(grad, ops::compute_type(grad.dtype()), at, r.include_self);
  return {r.of_self(share, index), share.gather(r.dim, index)};
}

Pair extremum_backward(const Reduction& r, const Tensor& grad, const Tensor& x, const Tensor& index,
                       const Tensor& source, const Tensor& y) {
  const Tensor from_self = r.of_self(eq(x, y).to(grad.dtype()), index);
  const Tensor from_source = eq(source, y.gather(r.dim, index)).to(grad.dtype());
  const Tensor share = grad / from_self.scatter_add(r.dim, index, from_source);
  return {from_self * share, from_source * share.gather(r.dim, index)};
}

// The derivative in each factor is the product of the others: the result over the factor, or, for the only
// zero among those of an element, the product without it. Two zeros leave nothing of the first derivative.
Pair product_backward(const Reduction& r, const Node& node, const Tensor& grad, const Tensor& x,
                      const Tensor& index, const Tensor& source) {
  Pair grads;
  if (node.needs(0)) {
    const Tensor factor = masked_fill(x, eq(x, 0), 1);
    grads[0] = r.of_self(grad * r.again(factor, index, source) / factor, index);
  }
  if (!node.needs(1)) return grads;
  const Tensor is_zero = eq(source, 0);
  const Tensor zeros_there =
      zeros_like(x).scatter_add(r.dim, index, is_zero.to(x.dtype())).gather(r.dim, index);
  const Tensor is_only_zero = logical_and(is_zero, eq(zeros_there, 1));
  const Tensor without = grad * r.again(x, index, masked_fill(source, is_only_zero, 1));
  const Tensor with = grad * r.again(x, index, source);
  grads[1] = where(is_only_zero, without.gather(r.dim, index),
                   with.gather(r.dim, index) / masked_fill(source, is_zero, 1));
  if (recording(grads[1]) && any(gt(zeros_there, 1)).item<bool>()) {
    // The second derivatives of two zeros in each other are not zero.
    const Tensor inputs[] = {grads[1]};
    grads[1] = autograd::record_not_differentiable("scatter_reduce_backward", grads[1].detach(), inputs);
  }
  return grads;
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& given,
                      ScatterReduce reduce, bool include_self) {
  const Along at = ops::along("scatter_reduce", x, dim, index);
  const Tensor source = ops::fitted("scatter_reduce", x, given, index);
  Tensor y = reduced(x, source, at, reduce, include_self);
  if (y.dtype() != x.dtype()) y = ops::convert(y, x.dtype());
  if (!recording(x, source)) return y;
  return record("scatter_reduce", y, {&x, &source},
                [r = Reduction{at.dim, reduce, include_self}, x = Saved(x), index = Saved(index),
                 source = Saved(source), y = SavedOutput(y)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor at = index.get(node);
                  switch (r.reduce) {
                    case ScatterReduce::sum: return {r.of_self(grad, at), grad.gather(r.dim, at)};
                    case ScatterReduce::mean: return mean_backward(r, grad, at);
                    case ScatterReduce::prod:
                      return product_backward(r, node, grad, x.get(node), at, source.get(node));
                    default:
                      return extremum_backward(r, grad, x.get(node), at, source.get(node), y.get(node));
                  }
                });
}

}  // namespace mica
