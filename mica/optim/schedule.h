// Learning rates that change over time. A schedule is stepped after the optimizer, once per epoch or per
// batch, and writes its rate into it.
#pragma once

#include <cstdint>

#include <mica/optim/optimizer.h>

namespace mica::optim {

// The rate is a function of the number of steps taken and of the optimizer's rate when the schedule was made.
class Schedule {
 public:
  virtual ~Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  void step();
  double last_lr() const { return optimizer_.lr(); }
  std::int64_t last_epoch() const { return last_epoch_; }

  StateDict state_dict() const;
  // Errors: not a state of a schedule. Nothing changes then. The optimizer's rate is restored by its own
  // state.
  void load_state_dict(const StateDict& state);

 protected:
  explicit Schedule(Optimizer& optimizer) : optimizer_(optimizer), base_lr_(optimizer.lr()) {}
  // The rate after `epoch` steps, computed from the one before as PyTorch does (`current`), so that it rounds
  // alike.
  virtual double next_lr(std::int64_t epoch, double current) const = 0;
  double base_lr() const { return base_lr_; }

 private:
  Optimizer& optimizer_;
  double base_lr_;
  std::int64_t last_epoch_ = 0;
};

// lr * gamma^(epoch / step_size), rounded down (torch.optim.lr_scheduler.StepLR).
class StepLR : public Schedule {
 public:
  // Errors: step_size < 1.
  StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1);

 private:
  double next_lr(std::int64_t epoch, double current) const override;
  std::int64_t step_size_;
  double gamma_;
};

// eta_min + (lr - eta_min) (1 + cos(pi epoch / T_max)) / 2 (torch.optim.lr_scheduler.CosineAnnealingLR;
// Loshchilov & Hutter 2017, without restarts). After T_max it rises again.
class CosineAnnealingLR : public Schedule {
 public:
  // Errors: T_max < 1.
  CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min = 0);

 private:
  double next_lr(std::int64_t epoch, double current) const override;
  std::int64_t t_max_;
  double eta_min_;
};

}  // namespace mica::optim
