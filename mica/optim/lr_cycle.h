// Schedules that go up and down, some with the momentum against them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/optim/lr_decay.h>

namespace mica::optim {

// CosineAnnealingLR that starts again after T_0 steps, then after T_0 * T_mult, T_0 * T_mult^2...
// (torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; Loshchilov & Hutter 2017).
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  // Errors: T_0 < 1, T_mult < 1.
  CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0, std::int64_t T_mult = 1,
                              double eta_min = 0, std::int64_t last_epoch = -1);
  using LRScheduler::step;
  // Goes to any epoch, whole or not: step(epoch + batch / batches). Errors: negative.
  void step(double epoch);

 private:
  double next_lr(const Position& at) const override;
  void before_step() override;
  void restart() override { step(0.0); }
  std::vector<Field> fields() override;
  void go_to(double epoch);
  std::int64_t t_0_, t_mult_;
  double eta_min_;
  double t_cur_, t_i_;  // steps since the restart, and to the next
  bool placed_ = false;
};

enum class CycleMode { triangular, triangular2, exp_range };
enum class CycleScale { cycle, iterations };

struct CyclicLROptions {
  std::int64_t step_size_up = 2000;
  std::optional<std::int64_t> step_size_down{};  // default: step_size_up
  // How the amplitude changes: not, halved after each cycle, or by gamma^iterations.
  CycleMode mode = CycleMode::triangular;
  double gamma = 1;
  AnyFunction<double(double)> scale_fn{};     // a factor for the amplitude, in place of the mode
  CycleScale scale_mode = CycleScale::cycle;  // what scale_fn is given: the cycle, from 1, or the steps taken
  bool cycle_momentum = true;                 // the momentum (betas[0]) goes down as the rate goes up
  PerGroup base_momentum = 0.8, max_momentum = 0.9;
  std::int64_t last_epoch = -1;
};
// Between base_lr and max_lr and back, in triangles (torch.optim.lr_scheduler.CyclicLR; Smith 2017).
class CyclicLR : public LRScheduler {
 public:
  // Errors: step sizes < 1, cycle_momentum for an optimizer without momentum or betas, another number of
  // values than of groups.
  CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr,
           const CyclicLROptions& options = {});

 private:
  double next_lr(const Position& at) const override;
  void after_step() override;
  // The point of the cycle at this step: 0 at base_lr, 1 at max_lr, scaled.
  double height() const;
  CyclicLROptions options_;
  std::vector<double> max_lrs_, base_momentums_, max_momentums_;
};

struct OneCycleLROptions {
  std::optional<std::int64_t> total_steps{}, epochs{}, steps_per_epoch{};  // the first, or both of the others
  double pct_start = 0.3;  // part of the steps in which the rate rises
  Anneal anneal_strategy = Anneal::cos;
  bool cycle_momentum = true;  // the momentum (betas[0]) goes down as the rate goes up
  PerGroup base_momentum = 0.85, max_momentum = 0.95;
  double div_factor = 25;         // the first rate is max_lr / div_factor
  double final_div_factor = 1e4;  // the last one is the first / final_div_factor
  bool three_phase = false;       // down to the first rate, then to the last, instead of at once
  std::int64_t last_epoch = -1;
};
// Up to max_lr and down to nothing, once (torch.optim.lr_scheduler.OneCycleLR; Smith & Topin 2017).
// Errors of step(): the steps are used up.
class OneCycleLR : public LRScheduler {
 public:
  // Errors: no number of steps, numbers out of range, cycle_momentum for an optimizer without momentum or
  // betas, another number of values than of groups.
  OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, const OneCycleLROptions& options = {});

 private:
  // An end of a phase: the step, and how far rate and momentum are then.
  enum class Level { first, top, last };
  struct Phase {
    double end;
    Level from, to;
  };
  double next_lr(const Position& at) const override;
  void after_step() override;
  double lr_at(Level level, std::size_t group) const;
  double momentum_at(Level level, std::size_t group) const;
  template <class At> double annealed(std::int64_t step, const At& at) const;

  OneCycleLROptions options_;
  std::int64_t total_steps_ = 0;
  std::vector<Phase> phases_;
  std::vector<double> max_lrs_, base_momentums_, max_momentums_;
};

}  // namespace mica::optim
