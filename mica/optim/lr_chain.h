// Schedules of schedules. They own those that they are made of:
//
//   optim::SequentialLR schedule{opt,
//                                optim::schedulers(std::make_unique<optim::LinearLR>(opt),
//                                                  std::make_unique<optim::ExponentialLR>(opt, 0.9)),
//                                {5}};
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <mica/optim/lr_scheduler.h>

namespace mica::optim {

using Schedulers = std::vector<std::unique_ptr<LRScheduler>>;

namespace detail {
Schedulers listed(std::unique_ptr<LRScheduler>* each, std::size_t count);
}

// A list of schedules.
template <class... S> Schedulers schedulers(std::unique_ptr<S>... each) {
  std::array<std::unique_ptr<LRScheduler>, sizeof...(S)> list{std::move(each)...};
  return detail::listed(list.data(), list.size());
}

// Steps all of them, one after the other, each from the rate that the one before left
// (torch.optim.lr_scheduler.ChainedScheduler).
class ChainedScheduler : public LRScheduler {
 public:
  // Errors: none, schedules of different optimizers.
  explicit ChainedScheduler(Schedulers schedulers);
  ~ChainedScheduler() override;
  void step() override;

 private:
  double next_lr(const Position& at) const override { return at.lr; }
  void restart() override;
  void undo_first_step() override;
  std::vector<LRScheduler*> children() const override;
  Schedulers schedulers_;
};

// One after the other: the next takes over, from its own beginning, at each milestone
// (torch.optim.lr_scheduler.SequentialLR).
class SequentialLR : public LRScheduler {
 public:
  // Errors: none, another number of milestones than one less, milestones that do not ascend, schedules of
  // another optimizer, a ChainedScheduler that is not the first.
  SequentialLR(Optimizer& optimizer, Schedulers schedulers, std::vector<std::int64_t> milestones,
               std::int64_t last_epoch = -1);
  ~SequentialLR() override;
  void step() override;

 private:
  double next_lr(const Position& at) const override { return at.lr; }
  void restart() override;
  void undo_first_step() override;
  std::vector<LRScheduler*> children() const override;
  Schedulers schedulers_;
  std::vector<std::int64_t> milestones_;
};

}  // namespace mica::optim
