#include <utility>

#include <mica/core/error.h>
#include <mica/kernels/softmax.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduction.h>
#include <mica/ops/softmax.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

Tensor run(bool log, const Tensor& given, std::int64_t dim) {
  const char* name = log ? "log_softmax" : "softmax";
  ops::check_floating(name, given);
  if (ops::compute_type(given.dtype()) != given.dtype())
    return run(log, given.to(f32), dim).to(given.dtype());
  const int d = wrap_dim(dim, given.sizes().size(), name);
  const Tensor x = given.contiguous();
  Tensor y = empty(x.sizes(), x.dtype());
  const ops::Extent e = ops::extent(x.sizes(), d);
  kernels::softmax(log, x.dtype(), e.outer, e.n, e.inner, x.raw_data(), y.raw_data());
  if (!recording(x)) return y;
  return record(name, y, {&x}, [log, d, saved = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor y = saved.get(node);
    if (autograd::grad_enabled()) {
      const Shape along = y.sizes().empty() ? Shape() : Shape(d);
      if (log) return grad - exp(y) * grad.sum(along, true);
      return y * (grad - (grad * y).sum(along, true));
    }
    const Tensor g = grad.contiguous();
    Tensor grad_x = empty(y.sizes(), y.dtype());
    const ops::Extent e = ops::extent(y.sizes(), d);
    kernels::softmax_backward(log, y.dtype(), e.outer, e.n, e.inner, y.raw_data(), g.raw_data(),
                              grad_x.raw_data());
    return grad_x;
  });
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  return run(false, dtype ? x.to(*dtype) : x, dim);
}
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  return run(true, dtype ? x.to(*dtype) : x, dim);
}
Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
  ops::check_floating("softmin", x);
  return softmax(-x, dim, dtype);
}
Tensor Tensor::softmax(std::int64_t dim) const { return mica::softmax(*this, dim); }
Tensor Tensor::log_softmax(std::int64_t dim) const { return mica::log_softmax(*this, dim); }

Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxOptions& options) {
  const auto [tau, hard, dim] = options;
  ops::check_floating("gumbel_softmax", logits);
  if (tau == 0) throw Error("gumbel_softmax", "tau is 0", "the logits are divided by it");
  const int d = wrap_dim(dim, logits.sizes().size(), "gumbel_softmax");
  const Tensor gumbel = -log(empty(logits.sizes(), logits.dtype()).exponential_());
  Tensor soft = softmax((logits + gumbel) / tau, d);
  if (!hard) return soft;
  const Tensor choice = soft.detach().argmax(d, true);
  const Tensor one_hot = zeros_like(soft.detach()).scatter(d, choice, 1.0);
  return one_hot - soft.detach() + soft;
}

}  // namespace mica
