#include <algorithm>
#include <cmath>
#include <cstdint>
#include <variant>

#include <mica/kernels/floating.h>
#include <mica/kernels/optim.h>

namespace mica::kernels::reference {
namespace {

// One element: parameter, gradient and state.
struct Element {
  double p, g, a, b, c;

  void begin(double weight_decay, bool maximize) { g = (maximize ? -g : g) + weight_decay * p; }
  void moments(double beta1, double beta2) {
    a = beta1 * a + (1 - beta1) * g;
    b = beta2 * b + (1 - beta2) * g * g;
  }
};

void apply(const SgdRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  double step = e.g;
  if (r.momentum != 0) {
    e.a = r.first ? e.g : r.momentum * e.a + (1 - r.dampening) * e.g;
    step = r.nesterov ? e.g + r.momentum * e.a : e.a;
  }
  e.p -= r.lr * step;
}

void apply(const AdamRule& r, Element& e) {
  e.p *= r.shrink;
  e.begin(r.weight_decay, r.maximize);
  e.moments(r.beta1, r.beta2);
  if (r.amsgrad) e.c = std::max(e.b, e.c);
  const double v = r.amsgrad ? e.c : e.b;
  e.p -= r.step_size * e.a / (std::sqrt(v) / r.sqrt_correction2 + r.eps);
}

void apply(const AdamaxRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  e.a = r.beta1 * e.a + (1 - r.beta1) * e.g;
  e.b = std::max(r.beta2 * e.b, std::abs(e.g) + r.eps);
  e.p -= r.step_size * e.a / e.b;
}

void apply(const NAdamRule& r, Element& e) {
  e.p *= r.shrink;
  e.begin(r.weight_decay, r.maximize);
  e.moments(r.beta1, r.beta2);
  e.p -= (r.grad_step * e.g + r.momentum_step * e.a) / (std::sqrt(e.b / r.correction2) + r.eps);
}

void apply(const RAdamRule& r, Element& e) {
  e.p *= r.shrink;
  e.begin(r.weight_decay, r.maximize);
  e.moments(r.beta1, r.beta2);
  e.p -= r.step_size * e.a / (r.rectified ? std::sqrt(e.b) + r.eps : 1);
}

void apply(const RmspropRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  e.a = r.alpha * e.a + (1 - r.alpha) * e.g * e.g;
  if (r.centered) e.c = r.alpha * e.c + (1 - r.alpha) * e.g;
  double step = e.g / (std::sqrt(r.centered ? e.a - e.c * e.c : e.a) + r.eps);
  if (r.momentum != 0) step = e.b = r.momentum * e.b + step;
  e.p -= r.lr * step;
}

void apply(const AdagradRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  e.a += e.g * e.g;
  e.p -= r.step_size * e.g / (std::sqrt(e.a) + r.eps);
}

void apply(const AdadeltaRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  e.a = r.rho * e.a + (1 - r.rho) * e.g * e.g;
  const double step = std::sqrt(e.b + r.eps) / std::sqrt(e.a + r.eps) * e.g;
  e.b = r.rho * e.b + (1 - r.rho) * step * step;
  e.p -= r.lr * step;
}

void apply(const AsgdRule& r, Element& e) {
  e.begin(r.weight_decay, r.maximize);
  e.p = e.p * r.shrink - r.eta * e.g;
  e.a += (e.p - e.a) * r.mu;
}

void apply(const RpropRule& r, Element& e) {
  e.begin(0, r.maximize);
  const double agreement = e.g * e.a;
  const double factor = agreement > 0 ? r.eta_plus : agreement < 0 ? r.eta_minus : 1;
  e.b = std::clamp(e.b * factor, r.smallest, r.largest);
  if (agreement < 0) e.g = 0;
  if (e.g > 0) e.p -= e.b;
  if (e.g < 0) e.p += e.b;
  e.a = e.g;
}

template <class T, class Rule> void update(const OptimTensor<Rule>& t) {
  const auto get = [](const void* array, std::int64_t i) {
    return array ? static_cast<double>(static_cast<const T*>(array)[i]) : 0;
  };
  const auto set = [](void* array, std::int64_t i, double value) {
    if (array) static_cast<T*>(array)[i] = static_cast<T>(value);
  };
  for (std::int64_t i = 0; i < t.count; ++i) {
    Element e{get(t.param, i), get(t.grad, i), get(t.state[0], i), get(t.state[1], i), get(t.state[2], i)};
    apply(t.rule, e);
    set(t.param, i, e.p);
    set(t.state[0], i, e.a);
    set(t.state[1], i, e.b);
    set(t.state[2], i, e.c);
  }
}

}  // namespace

void optim_step(const AnyOptimTensors& any) {
  std::visit(
      [](const auto& tensors) {
        for (const auto& t : tensors) {
          dispatch_floating("optim_step", t.dtype, [&]<class T>() { update<T>(t); });
        }
      },
      any);
}

}  // namespace mica::kernels::reference
