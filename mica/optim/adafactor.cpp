#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <mica/ops/inplace.h>
#include <mica/ops/linalg.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>
#include <mica/optim/adafactor.h>
#include <mica/optim/detail.h>

namespace mica::optim {

namespace {

void check(const char* name, const AdafactorOptions& o) {
  detail::check_common(name, o);
  if (!(o.beta2_decay <= 0)) {
    throw Error(name, fmt::format("beta2_decay is {}, which is above 0", o.beta2_decay));
  }
  if (o.eps1) detail::check_option(name, "eps1", *o.eps1, 0);
  detail::check_option(name, "eps2", o.eps2, 0);
  detail::check_option(name, "d", o.d, 1);
}

double root_mean_square(const Tensor& x) {
  return linalg::vector_norm(x).item() / std::sqrt(static_cast<double>(x.numel()));
}

double epsilon(DType dtype) {
  switch (dtype) {
    case f64: return std::numeric_limits<double>::epsilon();
    case bf16: return 0x1p-7;
    case f16: return 0x1p-10;
    default: return std::numeric_limits<float>::epsilon();
  }
}

// The mean of g^2 along a dimension moves into its average.
void average_squares(Tensor& average, const Tensor& grad, std::int64_t dim, double weight) {
  average.lerp_(square(grad).mean(Shape(dim), true), weight);
}

}  // namespace

Adafactor::Adafactor(std::vector<Tensor> parameters, const AdafactorOptions& options)
    : OptimizerOf("Adafactor", std::move(parameters), options, check) {}

std::vector<detail::Slot> Adafactor::slots(std::size_t parameter) const {
  const Shape sizes = parameters_[parameter].sizes();
  if (sizes.size() < 2) return {{"variance"}};
  Shape rows = sizes, columns = sizes;
  rows[sizes.size() - 1] = 1;
  columns[sizes.size() - 2] = 1;
  return {{"row_var", 0, rows}, {"col_var", 0, columns}};
}

void Adafactor::update() {
  const std::vector<detail::Update> updates = begin_updates();
  for (const detail::Update& u : updates) {
    const AdafactorOptions& o = options_of(u);
    detail::ParameterState& state = begin_state(u);
    Tensor param = u.param;
    if (param.numel() == 0) continue;
    const Tensor grad = o.maximize ? neg(u.grad) : u.grad;
    const double eps1 = o.eps1.value_or(epsilon(parameters_[u.index].dtype()));
    const auto t = static_cast<double>(state.step);
    const double weight = std::pow(t, o.beta2_decay);  // 1 - beta2 of this step
    const double relative = std::min(o.lr, 1 / std::sqrt(t));
    const double step_size = std::max(o.eps2, root_mean_square(param)) * relative;
    if (o.weight_decay != 0) param.mul_(1 - o.lr * o.weight_decay);
    Tensor variance;
    if (grad.dim() > 1) {
      Tensor& rows = state.tensors[0];
      Tensor& columns = state.tensors[1];
      average_squares(rows, grad, -1, weight);
      average_squares(columns, grad, -2, weight);
      variance = rows * columns / rows.mean(Shape(-2), true).clamp(eps1, {});
    } else {
      variance = state.tensors[0].lerp_(square(grad), weight);
    }
    const Tensor update = variance.clamp(eps1 * eps1, {}).rsqrt() * grad;
    param.add_(update, -step_size / std::max(1.0, root_mean_square(update) / o.d));
  }
  finish_updates(updates);
}

template class OptimizerOf<AdafactorOptions>;

}  // namespace mica::optim
