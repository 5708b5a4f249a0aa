#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/schedule.h>

namespace mica::optim {

void Schedule::step() {
  const double next = next_lr(last_epoch_ + 1, optimizer_.lr());
  ++last_epoch_;
  optimizer_.set_lr(next);
}

StateDict Schedule::state_dict() const {
  StateDict out;
  out.insert("base_lr", full({}, base_lr_, f64));
  out.insert("last_epoch", full({}, last_epoch_, i64));
  return out;
}

void Schedule::load_state_dict(const StateDict& state) {
  const Tensor& base = state.at("base_lr");
  const Tensor& epoch = state.at("last_epoch");
  if (state.size() != 2 || base.numel() != 1 || epoch.numel() != 1 || !std::isfinite(base.item()) ||
      epoch.dtype() != i64 || epoch.item<std::int64_t>() < 0) {
    throw Error("Schedule", "this is not the state of a schedule",
                "state_dict() gives base_lr and last_epoch");
  }
  base_lr_ = base.item();
  last_epoch_ = epoch.item<std::int64_t>();
}

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma)
    : Schedule(optimizer), step_size_(step_size), gamma_(gamma) {
  if (step_size < 1) throw Error("StepLR", fmt::format("step_size {} is not positive", step_size));
}

double StepLR::next_lr(std::int64_t epoch, double current) const {
  return epoch % step_size_ == 0 ? current * gamma_ : current;
}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min)
    : Schedule(optimizer), t_max_(T_max), eta_min_(eta_min) {
  if (T_max < 1) throw Error("CosineAnnealingLR", fmt::format("T_max {} is not positive", T_max));
}

double CosineAnnealingLR::next_lr(std::int64_t epoch, double current) const {
  const auto period = static_cast<double>(t_max_);
  if ((epoch - 1 - t_max_) % (2 * t_max_) == 0) {  // at the bottom the recursion below divides by zero
    return current + (base_lr() - eta_min_) * (1 - std::cos(std::numbers::pi / period)) / 2;
  }
  const auto height = [&](std::int64_t e) {
    return 1 + std::cos(std::numbers::pi * static_cast<double>(e) / period);
  };
  return height(epoch) / height(epoch - 1) * (current - eta_min_) + eta_min_;
}

}  // namespace mica::optim
