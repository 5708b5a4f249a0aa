#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include <mica/optim/lr_decay.h>

namespace mica::optim {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

}  // namespace

LambdaLR::LambdaLR(Optimizer& optimizer, const LrLambda& factor, std::int64_t last_epoch)
    : LambdaLR(optimizer, std::vector<LrLambda>(optimizer.num_groups(), factor), last_epoch) {}

LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<LrLambda> factors, std::int64_t last_epoch)
    : LRScheduler("LambdaLR", optimizer, last_epoch), factors_(std::move(factors)) {
  if (factors_.size() != num_groups())
    refuse(fmt::format("{} factors for {} groups of parameters", factors_.size(), num_groups()));
  make_first_step();
}

double LambdaLR::next_lr(const Position& at) const { return at.base_lr * factors_[at.group](at.epoch); }

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, const LrLambda& factor, std::int64_t last_epoch)
    : MultiplicativeLR(optimizer, std::vector<LrLambda>(optimizer.num_groups(), factor), last_epoch) {}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<LrLambda> factors,
                                   std::int64_t last_epoch)
    : LRScheduler("MultiplicativeLR", optimizer, last_epoch), factors_(std::move(factors)) {
  if (factors_.size() != num_groups())
    refuse(fmt::format("{} factors for {} groups of parameters", factors_.size(), num_groups()));
  make_first_step();
}

double MultiplicativeLR::next_lr(const Position& at) const {
  return at.initial || at.epoch == 0 ? at.lr : at.lr * factors_[at.group](at.epoch);
}

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma, std::int64_t last_epoch)
    : LRScheduler("StepLR", optimizer, last_epoch), step_size_(step_size), gamma_(gamma) {
  if (step_size < 1) refuse(fmt::format("step_size {} is not positive", step_size));
  make_first_step();
}

double StepLR::next_lr(const Position& at) const {
  return at.epoch == 0 || at.epoch % step_size_ != 0 ? at.lr : at.lr * gamma_;
}
double StepLR::closed_form(const Position& at) const {
  return at.base_lr * std::pow(gamma_, real(at.epoch / step_size_));
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma,
                         std::int64_t last_epoch)
    : LRScheduler("MultiStepLR", optimizer, last_epoch), milestones_(std::move(milestones)), gamma_(gamma) {
  std::ranges::sort(milestones_);
  make_first_step();
}

double MultiStepLR::next_lr(const Position& at) const {
  const auto times = std::ranges::count(milestones_, at.epoch);
  return times == 0 ? at.lr : at.lr * std::pow(gamma_, real(times));
}
double MultiStepLR::closed_form(const Position& at) const {
  const auto passed = std::ranges::upper_bound(milestones_, at.epoch) - milestones_.begin();
  return at.base_lr * std::pow(gamma_, real(passed));
}

ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& options)
    : LRScheduler("ConstantLR", optimizer, options.last_epoch), options_(options) {
  if (!(options.factor >= 0 && options.factor <= 1))
    refuse(fmt::format("factor {} is not between 0 and 1", options.factor));
  make_first_step();
}

double ConstantLR::next_lr(const Position& at) const {
  if (at.epoch == 0) return at.lr * options_.factor;
  return at.epoch == options_.total_iters ? at.lr * (1 / options_.factor) : at.lr;
}
double ConstantLR::closed_form(const Position& at) const {
  return at.epoch >= options_.total_iters ? at.base_lr : at.base_lr * options_.factor;
}

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LRScheduler("LinearLR", optimizer, options.last_epoch), options_(options) {
  if (!(options.start_factor > 0 && options.start_factor <= 1))
    refuse(fmt::format("start_factor {} is not above 0 and at most 1", options.start_factor));
  if (!(options.end_factor >= 0 && options.end_factor <= 1))
    refuse(fmt::format("end_factor {} is not between 0 and 1", options.end_factor));
  if (options.total_iters < 1) refuse(fmt::format("total_iters {} is not positive", options.total_iters));
  make_first_step();
}

double LinearLR::next_lr(const Position& at) const {
  const auto& o = options_;
  if (at.epoch == 0) return at.lr * o.start_factor;
  if (at.initial || at.epoch > o.total_iters) return at.lr;
  const double way = o.end_factor - o.start_factor;
  return at.lr * (1 + way / (real(o.total_iters) * o.start_factor + real(at.epoch - 1) * way));
}
double LinearLR::closed_form(const Position& at) const {
  const auto& o = options_;
  const double done = real(std::min(o.total_iters, at.epoch)) / real(o.total_iters);
  return at.base_lr * (o.start_factor + (o.end_factor - o.start_factor) * done);
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma, std::int64_t last_epoch)
    : LRScheduler("ExponentialLR", optimizer, last_epoch), gamma_(gamma) {
  make_first_step();
}

double ExponentialLR::next_lr(const Position& at) const {
  return at.initial || at.epoch == 0 ? at.lr : at.lr * gamma_;
}
double ExponentialLR::closed_form(const Position& at) const {
  return at.base_lr * std::pow(gamma_, real(at.epoch));
}

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options)
    : LRScheduler("PolynomialLR", optimizer, options.last_epoch), options_(options) {
  if (options.total_iters < 1) refuse(fmt::format("total_iters {} is not positive", options.total_iters));
  make_first_step();
}

double PolynomialLR::next_lr(const Position& at) const {
  if (at.initial || at.epoch == 0 || at.epoch > options_.total_iters) return at.lr;
  const auto left = [&](std::int64_t epoch) { return 1 - real(epoch) / real(options_.total_iters); };
  return at.lr * std::pow(left(at.epoch) / left(at.epoch - 1), options_.power);
}
double PolynomialLR::closed_form(const Position& at) const {
  const double done = real(std::min(options_.total_iters, at.epoch)) / real(options_.total_iters);
  return at.base_lr * std::pow(1 - done, options_.power);
}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min,
                                     std::int64_t last_epoch)
    : LRScheduler("CosineAnnealingLR", optimizer, last_epoch), t_max_(T_max), eta_min_(eta_min) {
  if (T_max < 1) refuse(fmt::format("T_max {} is not positive", T_max));
  make_first_step();
}

double CosineAnnealingLR::next_lr(const Position& at) const {
  if (at.initial || at.epoch == 0) return at.lr;
  const double period = real(t_max_);
  if ((at.epoch - 1 - t_max_) % (2 * t_max_) == 0) {  // at the bottom the recursion below divides by zero
    return at.lr + (at.base_lr - eta_min_) * (1 - std::cos(std::numbers::pi / period)) / 2;
  }
  const auto height = [&](std::int64_t e) { return 1 + std::cos(std::numbers::pi * real(e) / period); };
  return height(at.epoch) / height(at.epoch - 1) * (at.lr - eta_min_) + eta_min_;
}
double CosineAnnealingLR::closed_form(const Position& at) const {
  const double height = 1 + std::cos(std::numbers::pi * real(at.epoch) / real(t_max_));
  return eta_min_ + (at.base_lr - eta_min_) * height / 2;
}

SWALR::SWALR(Optimizer& optimizer, const PerGroup& swa_lr, const SWALROptions& options)
    : LRScheduler("SWALR", optimizer, options.last_epoch),
      options_(options),
      swa_lrs_(swa_lr.expanded("SWALR", "swa_lr", optimizer.num_groups())),
      first_epoch_(options.last_epoch + 1) {
  if (options.anneal_epochs < 0) refuse(fmt::format("anneal_epochs {} is negative", options.anneal_epochs));
  make_first_step();
}

double SWALR::next_lr(const Position& at) const {
  const auto way = [&](std::int64_t step) {
    const double t =
        std::clamp(real(step) / real(std::max<std::int64_t>(1, options_.anneal_epochs)), 0.0, 1.0);
    return options_.anneal_strategy == Anneal::cos ? (1 - std::cos(std::numbers::pi * t)) / 2 : t;
  };
  std::int64_t step = at.epoch - first_epoch_;
  if (options_.anneal_epochs == 0) step = std::max<std::int64_t>(1, step);
  const double target = swa_lrs_[at.group];
  // The rate where annealing started, from the rate as it is now.
  const double before = way(step - 1);
  const double start = before == 1 ? target : (at.lr - before * target) / (1 - before);
  const double now = way(step);
  return target * now + start * (1 - now);
}

}  // namespace mica::optim
