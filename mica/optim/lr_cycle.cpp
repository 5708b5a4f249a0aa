#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/optim/lr_cycle.h>

namespace mica::optim {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

// The momentum of a group, whatever the optimizer calls it; null if it has none.
double* momentum_of(Optimizer& optimizer, std::size_t group) {
  double* betas = optimizer.option(group, "betas");
  return betas != nullptr ? betas : optimizer.option(group, "momentum");
}

void check_momentum(const char* schedule, Optimizer& optimizer) {
  if (momentum_of(optimizer, 0) != nullptr) return;
  throw Error(schedule, fmt::format("{} has neither momentum nor betas to cycle", optimizer.name()),
              "pass {.cycle_momentum = false}");
}

}  // namespace

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0,
                                                         std::int64_t T_mult, double eta_min,
                                                         std::int64_t last_epoch)
    : LRScheduler("CosineAnnealingWarmRestarts", optimizer, last_epoch),
      t_0_(T_0),
      t_mult_(T_mult),
      eta_min_(eta_min),
      t_cur_(real(last_epoch)),
      t_i_(real(T_0)) {
  if (T_0 < 1) refuse(fmt::format("T_0 {} is not positive", T_0));
  if (T_mult < 1) refuse(fmt::format("T_mult {} is not positive", T_mult));
  make_first_step();
}

void CosineAnnealingWarmRestarts::go_to(double epoch) {
  const auto first = real(t_0_), factor = real(t_mult_);
  t_cur_ = epoch;
  t_i_ = first;
  if (epoch < first) return;
  if (t_mult_ == 1) {
    t_cur_ = std::fmod(epoch, first);
    return;
  }
  const double restarts = std::floor(std::log(epoch / first * (factor - 1) + 1) / std::log(factor));
  const double length = std::pow(factor, restarts);
  t_cur_ = epoch - first * (length - 1) / (factor - 1);
  t_i_ = first * length;
}

void CosineAnnealingWarmRestarts::before_step() {
  if (placed_) return;  // step(epoch) knows where
  t_cur_ += 1;
  if (t_cur_ >= t_i_) {
    t_cur_ -= t_i_;
    t_i_ *= real(t_mult_);
  }
}

void CosineAnnealingWarmRestarts::step(double epoch) {
  if (!(epoch >= 0) || !std::isfinite(epoch))
    refuse(fmt::format("epoch {} is negative or not finite", epoch));
  go_to(epoch);
  set_last_epoch(static_cast<std::int64_t>(std::floor(epoch)) - 1);
  placed_ = true;
  LRScheduler::step();
  placed_ = false;
}

double CosineAnnealingWarmRestarts::next_lr(const Position& at) const {
  return eta_min_ + (at.base_lr - eta_min_) * (1 + std::cos(std::numbers::pi * t_cur_ / t_i_)) / 2;
}

std::vector<LRScheduler::Field> CosineAnnealingWarmRestarts::fields() {
  return {{"T_cur", &t_cur_}, {"T_i", &t_i_}};
}

CyclicLR::CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr,
                   const CyclicLROptions& options)
    : LRScheduler("CyclicLR", optimizer, options.last_epoch),
      options_(options),
      max_lrs_(max_lr.expanded("CyclicLR", "max_lr", optimizer.num_groups())),
      base_momentums_(options.base_momentum.expanded("CyclicLR", "base_momentum", optimizer.num_groups())),
      max_momentums_(options.max_momentum.expanded("CyclicLR", "max_momentum", optimizer.num_groups())) {
  std::vector<double> base_lrs = base_lr.expanded("CyclicLR", "base_lr", num_groups());
  if (options.step_size_up < 1) refuse(fmt::format("step_size_up {} is not positive", options.step_size_up));
  if (options.step_size_down.value_or(1) < 1)
    refuse(fmt::format("step_size_down {} is not positive", options.step_size_down.value_or(1)));
  if (options.cycle_momentum) check_momentum("CyclicLR", optimizer);
  set_base_lrs(std::move(base_lrs));
  make_first_step();
}

double CyclicLR::height() const {
  const double up = real(options_.step_size_up);
  const double total = up + real(options_.step_size_down.value_or(options_.step_size_up));
  const double rising = up / total;  // part of the cycle
  const double epoch = real(last_epoch());
  const double cycle = std::floor(1 + epoch / total);
  const double x = 1 + epoch / total - cycle;
  const double triangle = x <= rising ? x / rising : (x - 1) / (rising - 1);
  if (options_.scale_fn)
    return triangle * options_.scale_fn(options_.scale_mode == CycleScale::cycle ? cycle : epoch);
  switch (options_.mode) {
    case CycleMode::triangular: return triangle;
    case CycleMode::triangular2: return triangle / std::exp2(cycle - 1);
    case CycleMode::exp_range: return triangle * std::pow(options_.gamma, epoch);
  }
  return triangle;
}

double CyclicLR::next_lr(const Position& at) const {
  return at.base_lr + (max_lrs_[at.group] - at.base_lr) * height();
}

void CyclicLR::after_step() {
  if (!options_.cycle_momentum) return;
  for (std::size_t g = 0; g < num_groups(); ++g) {
    *momentum_of(optimizer(), g) = max_momentums_[g] - (max_momentums_[g] - base_momentums_[g]) * height();
  }
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, const OneCycleLROptions& options)
    : LRScheduler("OneCycleLR", optimizer, options.last_epoch),
      options_(options),
      max_lrs_(max_lr.expanded("OneCycleLR", "max_lr", optimizer.num_groups())),
      base_momentums_(options.base_momentum.expanded("OneCycleLR", "base_momentum", optimizer.num_groups())),
      max_momentums_(options.max_momentum.expanded("OneCycleLR", "max_momentum", optimizer.num_groups())) {
  if (!options.total_steps && !(options.epochs && options.steps_per_epoch))
    refuse("the number of steps is not given", "pass total_steps, or epochs and steps_per_epoch");
  for (const auto& [what, value] : {std::pair{"total_steps", options.total_steps.value_or(1)},
                                    {"epochs", options.epochs.value_or(1)},
                                    {"steps_per_epoch", options.steps_per_epoch.value_or(1)}}) {
    if (value < 1) refuse(fmt::format("{} {} is not positive", what, value));
  }
  if (!(options.pct_start >= 0 && options.pct_start <= 1))
    refuse(fmt::format("pct_start {} is not between 0 and 1", options.pct_start));
  if (options.cycle_momentum) check_momentum("OneCycleLR", optimizer);
  total_steps_ =
      options.total_steps.value_or(options.epochs.value_or(1) * options.steps_per_epoch.value_or(1));

  const double rising = options.pct_start * real(total_steps_), end = real(total_steps_ - 1);
  phases_ = {{rising - 1, Level::first, Level::top}};
  if (options.three_phase) {
    phases_.push_back({2 * rising - 2, Level::top, Level::first});
    phases_.push_back({end, Level::first, Level::last});
  } else {
    phases_.push_back({end, Level::top, Level::last});
  }
  if (options.last_epoch == -1) {
    std::vector<double> first;
    first.reserve(num_groups());
    for (std::size_t g = 0; g < num_groups(); ++g) {
      first.push_back(lr_at(Level::first, g));
      optimizer.set_initial_lr(g, first.back());
    }
    set_base_lrs(std::move(first));
  }
  make_first_step();
}

double OneCycleLR::lr_at(Level level, std::size_t group) const {
  const double first = max_lrs_[group] / options_.div_factor;
  if (level == Level::top) return max_lrs_[group];
  return level == Level::first ? first : first / options_.final_div_factor;
}

double OneCycleLR::momentum_at(Level level, std::size_t group) const {
  return level == Level::top ? base_momentums_[group] : max_momentums_[group];
}

// What at(level) gives, on the way from one level to the other.
template <class At> double OneCycleLR::annealed(std::int64_t step, const At& at) const {
  double start = 0;
  for (std::size_t i = 0;; ++i) {
    const Phase& phase = phases_[i];
    if (real(step) > phase.end && i + 1 < phases_.size()) {
      start = phase.end;
      continue;
    }
    const double way = (real(step) - start) / (phase.end - start);
    const double from = at(phase.from), to = at(phase.to);
    return options_.anneal_strategy == Anneal::cos
               ? to + (from - to) / 2 * (std::cos(std::numbers::pi * way) + 1)
               : (to - from) * way + from;
  }
}

double OneCycleLR::next_lr(const Position& at) const {
  if (at.epoch > total_steps_) {
    refuse(fmt::format("step {} of a cycle of {} steps", at.epoch + 1, total_steps_),
           "make it with the number of steps that the training takes");
  }
  return annealed(at.epoch, [&](Level level) { return lr_at(level, at.group); });
}

void OneCycleLR::after_step() {
  if (!options_.cycle_momentum) return;
  for (std::size_t g = 0; g < num_groups(); ++g) {
    *momentum_of(optimizer(), g) = annealed(last_epoch(), [&](Level level) { return momentum_at(level, g); });
  }
}

}  // namespace mica::optim
