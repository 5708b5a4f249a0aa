// Learning rates that change over time: what all schedules share. A schedule is stepped after the optimizer,
// once per epoch or per batch, and writes its rate into each group.
//
//   optim::CosineAnnealingLR schedule{opt, 100};
//   for (...) { ...; opt.step(); schedule.step(); }
//
// To resume: make optimizer and schedule as before, then load the states of both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <mica/optim/optimizer.h>

namespace mica::optim {

// One number for all groups, or one for each.
struct PerGroup {
  PerGroup(double all) : values{all} {}
  PerGroup(std::initializer_list<double> each) : values(each) {}
  std::vector<double> values;
  // For so many groups. Errors: another number of values.
  std::vector<double> expanded(const char* schedule, const char* what, std::size_t groups) const;
};

// torch.optim.lr_scheduler.LRScheduler. Rates are computed from those before, as PyTorch does, so that they
// round alike and schedules chain.
class LRScheduler {
 public:
  virtual ~LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  virtual void step();
  // The rate of each group as this schedule set it last.
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  // The same for the first group.
  double last_lr() const { return last_lr_.at(0); }
  // Steps taken; making the schedule is step 0.
  std::int64_t last_epoch() const { return last_epoch_; }
  // The rates before any schedule changed them.
  const std::vector<double>& base_lrs() const { return base_lrs_; }
  Optimizer& optimizer() const { return optimizer_; }

  // All that changes from step to step; what the schedule was made with is not part of it, and the
  // optimizer's rates are restored by its own state.
  StateDict state_dict() const;
  // Errors: not a state of such a schedule. Nothing changes then.
  void load_state_dict(const StateDict& state);

 protected:
  // last_epoch -1 starts anew; another goes on from there. Errors: that of an optimizer without initial_lr,
  // which its own state has.
  LRScheduler(const char* name, Optimizer& optimizer, std::int64_t last_epoch);

  // What a schedule looks at to find the next rate of a group.
  struct Position {
    std::size_t group;
    std::int64_t epoch;  // the steps taken, this one included
    double lr, base_lr;  // the group's rate as it is, and its rate at first
    bool initial;        // the schedule is being made
  };
  virtual double next_lr(const Position& at) const = 0;
  // The rate after so many steps from the first, if there is a formula for it; used where SequentialLR turns
  // to this schedule.
  virtual double closed_form(const Position& at) const { return next_lr(at); }
  // Called before the rates are computed.
  virtual void before_step() {}
  // Called when the rates of the position are set.
  virtual void after_step() {}
  // Goes to epoch 0.
  virtual void restart();
  // Numbers that the state has besides, each under its name.
  struct Field {
    std::string name;
    double* value;
  };
  virtual std::vector<Field> fields() { return {}; }
  // The schedules inside.
  virtual std::vector<LRScheduler*> children() const { return {}; }

  // To be called at the end of each constructor: sets the rates of epoch 0.
  void make_first_step();
  // Takes back the step that its constructor made.
  virtual void undo_first_step() { --last_epoch_; }
  [[noreturn]] void refuse(const std::string& message, const std::string& hint = {}) const;
  std::size_t num_groups() const { return optimizer_.num_groups(); }
  void remember_rates();
  void set_last_epoch(std::int64_t epoch) { last_epoch_ = epoch; }
  void set_base_lrs(std::vector<double> lrs) { base_lrs_ = std::move(lrs); }

  friend class ChainedScheduler;
  friend class SequentialLR;

 private:
  void set_rates(bool closed);
  void check_state(const StateDict& state);
  void take_state(const StateDict& state);

  const char* name_;
  Optimizer& optimizer_;
  std::vector<double> base_lrs_, last_lr_;
  std::int64_t last_epoch_;
  bool initial_ = false;
};

}  // namespace mica::optim
