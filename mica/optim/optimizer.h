// What optimizers share.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/tensor/state_dict.h>
#include <mica/tensor/tensor.h>

namespace mica::optim {

// An optimizer changes parameters along their gradients. It takes tensors, not models:
//   optim::SGD opt{net.parameters(), {.lr = 0.1}};
// Copying is not possible; parameters are shared with the model.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One update. Parameters without a gradient are left alone. Errors: called inside a module's forward, a
  // gradient of another dtype than its parameter.
  void step();
  // Forgets the gradients, or sets them to zero.
  void zero_grad(bool set_to_none = true);

  virtual double lr() const = 0;
  virtual void set_lr(double lr) = 0;
  const std::vector<Tensor>& parameters() const { return parameters_; }

  // Everything that the next step depends on besides parameters and gradients: "lr", "state.0.exp_avg"... The
  // tensors are shared with the optimizer.
  StateDict state_dict() const;
  // Restores what state_dict() gave; of the options only lr is part of it. Nothing changes if it throws.
  // Errors: entries that are missing or that these options have no use for, shapes that differ from the
  // parameters'.
  void load_state_dict(const StateDict& state);

 protected:
  // Errors: no parameters, one given twice, one that is no leaf.
  Optimizer(const char* name, std::vector<Tensor> parameters);

  // One tensor of state per parameter, undefined until first used; "exp_avg", and where it is kept. Only
  // those that the options call for; a parameter has all of them or none.
  struct Slot {
    const char* name;
    std::vector<Tensor>* tensors;
  };
  virtual std::vector<Slot> slots() = 0;
  // Steps taken per parameter, or null if the optimizer does not count them.
  virtual std::vector<std::int64_t>* step_counts() = 0;
  virtual void update() = 0;

  const char* name_;
  std::vector<Tensor> parameters_;
};

namespace detail {
// Errors, in the words of one option: not finite or below `least`.
void check_option(const char* optimizer, const char* option, double value, double least);
// Errors: not in [0, 1).
void check_fraction(const char* optimizer, const char* option, double value);

// A parameter that a step changes: `param` is dense f32 or f64, and `grad` in the same memory order, so that
// kernels walk both as arrays. `param` is the parameter itself if it is like that, else a copy.
struct Update {
  std::size_t index;  // among the optimizer's parameters
  Tensor param, grad;
};
// One for each parameter that has a gradient.
std::vector<Update> begin_updates(const std::vector<Tensor>& parameters);
// To be called after the kernels: brings copies back, and tells graphs that saved a parameter that it
// changed.
void finish_updates(const char* operation, const std::vector<Update>& updates,
                    std::vector<Tensor>& parameters);
// Brings state into the dtype and memory order of `param`: Module::to may have changed the parameter, and
// loaded state may come from any.
void match(Tensor& state, const Tensor& param);
}  // namespace detail

}  // namespace mica::optim
