#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/lr_plateau.h>

namespace mica::optim {
namespace {

constexpr const char* name = "ReduceLROnPlateau";

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& o)
    : optimizer_(optimizer),
      options_(o),
      min_lrs_(o.min_lr.expanded(name, "min_lr", optimizer.num_groups())),
      best_(o.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                       : -std::numeric_limits<double>::infinity()) {
  if (!(o.factor < 1)) throw Error(name, fmt::format("factor {} is not below 1", o.factor));
  if (o.patience < 0) throw Error(name, fmt::format("patience {} is negative", o.patience));
  if (o.cooldown < 0) throw Error(name, fmt::format("cooldown {} is negative", o.cooldown));
}

bool ReduceLROnPlateau::better(double metric) const {
  const double by = options_.threshold;
  const bool relative = options_.threshold_mode == PlateauThreshold::rel;
  if (options_.mode == PlateauMode::min) return metric < (relative ? best_ * (1 - by) : best_ - by);
  return metric > (relative ? best_ * (1 + by) : best_ + by);
}

void ReduceLROnPlateau::step(double metric) {
  if (optimizer_.num_groups() != min_lrs_.size()) {
    throw Error(
        name, fmt::format("the optimizer has {} groups of parameters, and had {} when the schedule was made",
                          optimizer_.num_groups(), min_lrs_.size()));
  }
  ++last_epoch_;
  if (better(metric)) {
    best_ = metric;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ <= options_.patience) return;
  cooldown_counter_ = options_.cooldown;
  num_bad_epochs_ = 0;
  for (std::size_t g = 0; g < min_lrs_.size(); ++g) {
    const double before = optimizer_.lr(g), after = std::max(before * options_.factor, min_lrs_[g]);
    if (before - after > options_.eps) optimizer_.set_lr(g, after);
  }
}

std::vector<double> ReduceLROnPlateau::get_last_lr() const {
  std::vector<double> out;
  out.reserve(optimizer_.num_groups());
  for (std::size_t g = 0; g < optimizer_.num_groups(); ++g) out.push_back(optimizer_.lr(g));
  return out;
}

StateDict ReduceLROnPlateau::state_dict() const {
  return {{"best", full({}, best_, f64)},
          {"last_epoch", full({}, last_epoch_, i64)},
          {"num_bad_epochs", full({}, num_bad_epochs_, i64)},
          {"cooldown_counter", full({}, cooldown_counter_, i64)}};
}

void ReduceLROnPlateau::load_state_dict(const StateDict& state) {
  const auto count = [&](const char* key) {
    const Tensor& t = state.at(key);
    const std::int64_t n = t.dim() == 0 && t.dtype() == i64 ? t.item<std::int64_t>() : -1;
    if (n < 0) throw Error(name, fmt::format("\"{}\" is no count in the state", key));
    return n;
  };
  const std::int64_t epoch = count("last_epoch"), bad = count("num_bad_epochs");
  const std::int64_t cooldown = count("cooldown_counter");
  const Tensor& best = state.at("best");
  if (state.size() != 4 || best.dim() != 0 || !best.is_floating_point())
    throw Error(name, "this is not the state of such a schedule", "state_dict() gives one");
  best_ = best.item();
  last_epoch_ = epoch;
  num_bad_epochs_ = bad;
  cooldown_counter_ = cooldown;
}

}  // namespace mica::optim
