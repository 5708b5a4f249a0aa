#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <mica/ops/inplace.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/optim/detail.h>
#include <mica/optim/muon.h>

namespace mica::optim {

namespace {

void check(const char* name, const MuonOptions& o) {
  detail::check_common(name, o);
  if (o.ns_steps < 0 || o.ns_steps >= 100) {
    throw Error(name, fmt::format("ns_steps is {}, which is not in [0, 100)", o.ns_steps));
  }
}

void check_matrix(const char* name, const Tensor& parameter) {
  if (parameter.dim() == 2) return;
  throw Error(name, fmt::format("a parameter of shape {} is no matrix", to_string(parameter.sizes())),
              "give the others to AdamW");
}

// (A, B) -> (A, B)
Tensor orthogonalized(const Tensor& matrix, const MuonOptions& o) {
  const bool tall = matrix.size(0) > matrix.size(1);
  Tensor x = tall ? matrix.t() : matrix;  // wide, so that the products below are small
  x = x / std::max(o.eps, linalg::vector_norm(x).item());
  const auto [a, b, c] = o.ns_coefficients;
  for (std::int64_t i = 0; i < o.ns_steps; ++i) {
    const Tensor gram = matmul(x, x.t());
    x = a * x + matmul(b * gram + c * matmul(gram, gram), x);
  }
  return tall ? x.t() : x;
}

double adjusted(const MuonOptions& o, const Tensor& matrix) {
  const auto rows = static_cast<double>(matrix.size(0)), columns = static_cast<double>(matrix.size(1));
  switch (o.adjust_lr_fn) {
    case MuonAdjustLr::original: return o.lr * std::sqrt(std::max(1.0, rows / columns));
    case MuonAdjustLr::match_rms_adamw: return o.lr * 0.2 * std::sqrt(std::max(rows, columns));
  }
  return o.lr;
}

}  // namespace

Muon::Muon(std::vector<Tensor> parameters, const MuonOptions& options)
    : OptimizerOf("Muon", std::move(parameters), options, check, check_matrix) {}

std::vector<detail::Slot> Muon::slots(std::size_t /*parameter*/) const { return {{"momentum_buffer"}}; }

void Muon::update() {
  const std::vector<detail::Update> updates = begin_updates();
  for (const detail::Update& u : updates) {
    const MuonOptions& o = options_of(u);
    Tensor param = u.param;
    Tensor& momentum = begin_state(u).tensors[0];
    if (param.numel() == 0) continue;
    momentum.lerp_(u.grad, 1 - o.momentum);
    const Tensor direction = o.nesterov ? lerp(u.grad, momentum, o.momentum) : momentum;
    const Tensor step = orthogonalized(direction, o);
    param.mul_(1 - o.lr * o.weight_decay).add_(step, -adjusted(o, param));
  }
  finish_updates(updates);
}

template class OptimizerOf<MuonOptions>;

}  // namespace mica::optim
