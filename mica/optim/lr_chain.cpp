#include <algorithm>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/optim/lr_chain.h>

namespace mica::optim {
namespace {

Optimizer& optimizer_of(const char* name, const Schedulers& schedulers) {
  if (schedulers.empty()) throw Error(name, "the list of schedules is empty");
  return schedulers[0]->optimizer();
}

void check_optimizer(const char* name, const Schedulers& schedulers, const Optimizer& optimizer) {
  for (std::size_t i = 0; i < schedulers.size(); ++i) {
    if (&schedulers[i]->optimizer() != &optimizer)
      throw Error(name, fmt::format("schedule {} is for another optimizer", i));
  }
}

std::vector<LRScheduler*> pointers(const Schedulers& schedulers) {
  std::vector<LRScheduler*> out;
  out.reserve(schedulers.size());
  for (const auto& schedule : schedulers) out.push_back(schedule.get());
  return out;
}

}  // namespace

Schedulers detail::listed(std::unique_ptr<LRScheduler>* each, std::size_t count) {
  Schedulers out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(std::move(each[i]));
  return out;
}

ChainedScheduler::~ChainedScheduler() = default;
SequentialLR::~SequentialLR() = default;

ChainedScheduler::ChainedScheduler(Schedulers schedulers)
    : LRScheduler("ChainedScheduler", optimizer_of("ChainedScheduler", schedulers), -1),
      schedulers_(std::move(schedulers)) {
  check_optimizer("ChainedScheduler", schedulers_, optimizer());
  set_last_epoch(0);
  remember_rates();
}

void ChainedScheduler::step() {
  for (const auto& schedule : schedulers_) schedule->step();
  set_last_epoch(last_epoch() + 1);
  remember_rates();
}

void ChainedScheduler::restart() {
  refuse("a chain cannot be started anew in the midst of a SequentialLR", "put it first");
}

void ChainedScheduler::undo_first_step() {
  for (const auto& schedule : schedulers_) schedule->undo_first_step();
  set_last_epoch(last_epoch() - 1);
}

std::vector<LRScheduler*> ChainedScheduler::children() const { return pointers(schedulers_); }

SequentialLR::SequentialLR(Optimizer& optimizer, Schedulers schedulers, std::vector<std::int64_t> milestones,
                           std::int64_t last_epoch)
    : LRScheduler("SequentialLR", optimizer, last_epoch),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  optimizer_of("SequentialLR", schedulers_);
  check_optimizer("SequentialLR", schedulers_, optimizer);
  if (milestones_.size() + 1 != schedulers_.size()) {
    refuse(fmt::format("{} milestones for {} schedules", milestones_.size(), schedulers_.size()),
           "one less than there are schedules");
  }
  if (!std::ranges::is_sorted(milestones_)) refuse("the milestones do not ascend");
  for (std::size_t i = 1; i < schedulers_.size(); ++i) {
    if (dynamic_cast<const ChainedScheduler*>(schedulers_[i].get()) != nullptr)
      refuse(fmt::format("schedule {} is a ChainedScheduler, which can only be the first", i));
  }
  // Their constructors have all changed the rates; only the first one's turn has come.
  for (std::size_t g = 0; g < num_groups(); ++g) optimizer.set_lr(g, optimizer.initial_lr(g));
  for (const auto& schedule : schedulers_) schedule->undo_first_step();
  schedulers_[0]->make_first_step();
  set_last_epoch(last_epoch + 1);
  remember_rates();
}

void SequentialLR::step() {
  set_last_epoch(last_epoch() + 1);
  const auto passed = std::ranges::upper_bound(milestones_, last_epoch()) - milestones_.begin();
  const auto index = static_cast<std::size_t>(passed);
  LRScheduler& schedule = *schedulers_[index];
  if (index > 0 && milestones_[index - 1] == last_epoch())
    schedule.restart();
  else
    schedule.step();
  remember_rates();
}

void SequentialLR::restart() {
  schedulers_[0]->restart();
  set_last_epoch(0);
  remember_rates();
}

void SequentialLR::undo_first_step() {
  for (const auto& schedule : schedulers_) schedule->undo_first_step();
  set_last_epoch(last_epoch() - 1);
}

std::vector<LRScheduler*> SequentialLR::children() const { return pointers(schedulers_); }

}  // namespace mica::optim
