// What optimizers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/tensor/state_dict.h>
#include <mica/tensor/tensor.h>

namespace mica::optim {

class Optimizer;

// Computes the loss and its gradients anew: zero_grad(), forward, backward(), return the loss.
using Closure = AnyFunction<Tensor()>;

using StepHook = AnyFunction<void(Optimizer&)>;
using StateHook = AnyFunction<void(Optimizer&, StateDict&)>;

namespace detail {
class OptimizerHooks;
struct ParameterState;
struct Slot;
struct Update;
struct Option;
struct StateReader;
}  // namespace detail

// Owns a hook: it is removed when the handle is destroyed. May outlive the optimizer.
class [[nodiscard]] StepHookHandle {
 public:
  StepHookHandle() = default;
  StepHookHandle(std::weak_ptr<detail::OptimizerHooks> hooks, std::uint64_t id)
      : hooks_(std::move(hooks)), id_(id) {}
  StepHookHandle(StepHookHandle&& other) noexcept = default;
  StepHookHandle& operator=(StepHookHandle&& other) noexcept;
  ~StepHookHandle() { remove(); }
  // Removes the hook now.
  void remove();
  // Leaves the hook in place as long as the optimizer lives.
  void detach() { hooks_.reset(); }

 private:
  std::weak_ptr<detail::OptimizerHooks> hooks_;
  std::uint64_t id_ = 0;
};

// An optimizer changes parameters along their gradients. It takes tensors, not models:
//   optim::SGD opt{net.parameters(), {.lr = 0.1}};
// Parameters form groups, each with options of its own:
//   opt.add_param_group(net.head.parameters(), {.lr = 0.01, .momentum = 0.9});
//   opt.options(1).momentum = 0.8;
// Copying is not possible; parameters are shared with the model. Where PyTorch allows several forms of one
// option (foreach, fused, capturable), there is one: fused.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One update. Parameters without a gradient are left alone. Errors: called inside a module's forward;
  // LBFGS without a closure.
  void step() { step_with(nullptr); }
  // The same after a call of the closure, with gradients enabled; returns the loss that it gave.
  Tensor step(const Closure& closure) { return step_with(&closure); }
  // Forgets the gradients, or sets them to zero.
  void zero_grad(bool set_to_none = true);

  // The parameters of all groups, one group after the other.
  const std::vector<Tensor>& parameters() const { return parameters_; }
  std::size_t num_groups() const { return groups_.size(); }
  // Errors: no such group.
  std::vector<Tensor> parameters(std::size_t group) const;
  double lr(std::size_t group = 0) const;
  // For all groups, or for one. Errors: no such group.
  void set_lr(double lr);
  void set_lr(std::size_t group, double lr);

  // Everything that the next step depends on besides parameters and gradients, in PyTorch's layout, with
  // parameters numbered through all groups: "state.0.exp_avg", "state.0.step", "param_groups.0.lr",
  // "param_groups.0.betas", "param_groups.0.params"... The tensors of state are shared with the optimizer.
  StateDict state_dict() const;
  // Restores what state_dict() gave, options included. Nothing changes if it throws. Errors: entries that are
  // missing or that this optimizer has no use for, options out of range, groups of other sizes, shapes that
  // differ from the parameters'.
  void load_state_dict(const StateDict& state);

  // hook(optimizer) runs before, or after, each step. Hooks run in the order in which they were registered.
  StepHookHandle register_step_pre_hook(StepHook hook);
  StepHookHandle register_step_post_hook(StepHook hook);
  // hook(optimizer, state) runs before state_dict() with an empty state, or after it with the result, which
  // it may change; before load_state_dict() with a copy that it may change, or after it.
  StepHookHandle register_state_dict_pre_hook(StateHook hook);
  StepHookHandle register_state_dict_post_hook(StateHook hook);
  StepHookHandle register_load_state_dict_pre_hook(StateHook hook);
  StepHookHandle register_load_state_dict_post_hook(StateHook hook);

  // --- for schedules ---
  // A number among the options of a group by its name ("lr", "momentum"), for "betas" the first; null if
  // there is none.
  virtual double* option(std::size_t group, std::string_view name) = 0;
  // The rate before any schedule changed it; NaN as long as there was none.
  double initial_lr(std::size_t group) const { return groups_.at(group).initial_lr; }
  void set_initial_lr(std::size_t group, double lr) { groups_.at(group).initial_lr = lr; }
  const char* name() const { return name_; }

 protected:
  // What is wrong with a parameter, in words. Errors: not one for this optimizer.
  using ParameterCheck = void (*)(const char* optimizer, const Tensor& parameter);
  // The first group. Errors: no parameters, one given twice, one that is no leaf, and as the check.
  Optimizer(const char* name, std::vector<Tensor> parameters, ParameterCheck check);
  // Errors: as above. Nothing changes then.
  void add_parameters(std::vector<Tensor> parameters);
  std::size_t group_of(std::size_t parameter) const;
  void check_group(std::size_t group) const;

  // The tensors of state of a parameter under the options of its group, in a fixed order; those without a
  // name are not in use. A parameter has all of them or none.
  virtual std::vector<detail::Slot> slots(std::size_t parameter) const = 0;
  // Numbers of state of each parameter, by name.
  virtual std::vector<const char*> numbers() const { return {}; }
  virtual bool counts_steps() const { return true; }
  virtual void update() = 0;
  // One step, given a closure or null; returns the loss if there is a closure.
  virtual Tensor run_step(const Closure* closure);

  // The options of a group, as state_dict() has them.
  virtual std::vector<detail::Option> get_options(std::size_t group) const = 0;
  // Sets them. Errors: out of range, if that is checked; the old ones then stay.
  virtual void set_options(std::size_t group, const std::vector<detail::Option>& options, bool check) = 0;
  // Around state_dict() and load_state_dict(), for state that lies elsewhere between them.
  virtual void pack_state() {}
  virtual void unpack_state() {}

  std::vector<detail::Update> begin_updates();
  // To be called after the kernels: brings copies back, and tells graphs that saved a parameter that it
  // changed.
  void finish_updates(const std::vector<detail::Update>& updates);
  // The state of a parameter, its tensors made if it is new and in the dtype and memory order of `param`.
  // Counts the step.
  detail::ParameterState& begin_state(const detail::Update& update);

  const char* name_;
  std::vector<Tensor> parameters_;
  std::vector<detail::ParameterState> state_;  // of each parameter

 private:
  struct Group {
    std::size_t first, last;  // among the parameters
    double initial_lr = std::numeric_limits<double>::quiet_NaN();
  };
  Tensor step_with(const Closure* closure);
  std::vector<std::vector<detail::Option>> all_options() const;
  void load_options(detail::StateReader& reader, std::vector<double>& initial_lrs);
  std::vector<detail::ParameterState> load_states(detail::StateReader& reader) const;

  ParameterCheck check_parameter_;
  std::vector<Group> groups_;
  std::shared_ptr<detail::OptimizerHooks> hooks_;
};

// For every optimizer in the program, before its own hooks (torch.optim.optimizer's functions of these
// names).
StepHookHandle register_optimizer_step_pre_hook(StepHook hook);
StepHookHandle register_optimizer_step_post_hook(StepHook hook);

// An optimizer whose groups have options of one type.
template <class Options> class OptimizerOf : public Optimizer {
 public:
  // The options of a group, to be read and changed. Errors: no such group.
  Options& options(std::size_t group = 0);
  const Options& options(std::size_t group = 0) const;
  // The options that groups get if they are given none: the first group's, as they were.
  const Options& defaults() const { return defaults_; }
  // More parameters, with options of their own or with the defaults. Errors: no parameters, one that the
  // optimizer has already, options out of range. Nothing changes then.
  void add_param_group(std::vector<Tensor> parameters, const Options& options);
  void add_param_group(std::vector<Tensor> parameters) { add_param_group(std::move(parameters), defaults_); }

  double* option(std::size_t group, std::string_view name) override;

 protected:
  // What is wrong with options, in words. Errors: out of range.
  using Check = void (*)(const char* optimizer, const Options&);
  // Errors: as Optimizer, and as the check.
  OptimizerOf(const char* name, std::vector<Tensor> parameters, const Options& options, Check check,
              ParameterCheck check_parameter = nullptr);
  const Options& options_of(const detail::Update& update) const;
  // One step of the fused kernel over all parameters that have a gradient, with the rule that
  // rule(options, state) gives for each. Instantiated in the optimizers' sources.
  template <class RuleOf> void apply_rule(const RuleOf& rule);

 private:
  std::vector<detail::Option> get_options(std::size_t group) const override;
  void set_options(std::size_t group, const std::vector<detail::Option>& options, bool check) override;

  Check check_;
  Options defaults_;
  std::vector<Options> options_;  // of each group
};

}  // namespace mica::optim
