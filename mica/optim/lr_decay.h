// Schedules that go by a factor: torch.optim.lr_scheduler's LambdaLR to CosineAnnealingLR, and SWALR.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/optim/lr_scheduler.h>

namespace mica::optim {

// A factor for the rate, from the number of steps taken.
using LrLambda = AnyFunction<double(std::int64_t epoch)>;

// lr = the first rate * factor(epoch).
class LambdaLR : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, const LrLambda& factor, std::int64_t last_epoch = -1);
  // One for each group. Errors: another number of them.
  LambdaLR(Optimizer& optimizer, std::vector<LrLambda> factors, std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  std::vector<LrLambda> factors_;
};

// lr *= factor(epoch).
class MultiplicativeLR : public LRScheduler {
 public:
  MultiplicativeLR(Optimizer& optimizer, const LrLambda& factor, std::int64_t last_epoch = -1);
  // One for each group. Errors: another number of them.
  MultiplicativeLR(Optimizer& optimizer, std::vector<LrLambda> factors, std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  std::vector<LrLambda> factors_;
};

// lr *= gamma every step_size steps.
class StepLR : public LRScheduler {
 public:
  // Errors: step_size < 1.
  StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1, std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  std::int64_t step_size_;
  double gamma_;
};

// lr *= gamma at each milestone; one that comes twice counts twice.
class MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma = 0.1,
              std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  std::vector<std::int64_t> milestones_;  // sorted
  double gamma_;
};

struct ConstantLROptions {
  double factor = 1.0 / 3;  // in [0, 1]
  std::int64_t total_iters = 5;
  std::int64_t last_epoch = -1;
};
// lr * factor for total_iters steps.
class ConstantLR : public LRScheduler {
 public:
  // Errors: factor out of range.
  explicit ConstantLR(Optimizer& optimizer, const ConstantLROptions& options = {});

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  ConstantLROptions options_;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3;  // in (0, 1]
  double end_factor = 1;          // in [0, 1]
  std::int64_t total_iters = 5;
  std::int64_t last_epoch = -1;
};
// lr times a factor that goes from start_factor to end_factor in total_iters steps: a warm-up.
class LinearLR : public LRScheduler {
 public:
  // Errors: factors out of range, total_iters < 1.
  explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {});

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  LinearLROptions options_;
};

// lr *= gamma at every step.
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma, std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  double gamma_;
};

struct PolynomialLROptions {
  std::int64_t total_iters = 5;
  double power = 1;
  std::int64_t last_epoch = -1;
};
// lr * (1 - epoch / total_iters)^power, then 0.
class PolynomialLR : public LRScheduler {
 public:
  // Errors: total_iters < 1.
  explicit PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options = {});

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  PolynomialLROptions options_;
};

// eta_min + (lr - eta_min) (1 + cos(pi epoch / T_max)) / 2 (Loshchilov & Hutter 2017, without restarts).
// After T_max it rises again.
class CosineAnnealingLR : public LRScheduler {
 public:
  // Errors: T_max < 1.
  CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min = 0,
                    std::int64_t last_epoch = -1);

 private:
  double next_lr(const Position& at) const override;
  double closed_form(const Position& at) const override;
  std::int64_t t_max_;
  double eta_min_;
};

enum class Anneal { cos, linear };

struct SWALROptions {
  std::int64_t anneal_epochs = 10;
  Anneal anneal_strategy = Anneal::cos;
  std::int64_t last_epoch = -1;
};
// From the rate as it is to swa_lr in anneal_epochs steps, then constant (torch.optim.swa_utils.SWALR): for
// averages of weights, see train::AveragedModel.
class SWALR : public LRScheduler {
 public:
  // Errors: anneal_epochs < 0, another number of rates than of groups.
  SWALR(Optimizer& optimizer, const PerGroup& swa_lr, const SWALROptions& options = {});

 private:
  double next_lr(const Position& at) const override;
  SWALROptions options_;
  std::vector<double> swa_lrs_;
  std::int64_t first_epoch_;
};

}  // namespace mica::optim
