// What the sources of optimizers share: state, options as numbers, checks, and the way to the fused kernel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include <mica/core/error.h>
#include <mica/kernels/optim.h>
#include <mica/optim/optimizer.h>
#include <mica/reflect/fields.h>

namespace mica::optim {
namespace detail {

// One tensor of state: its name (null: not in use), its value at first, and its sizes if they are not the
// parameter's (-1: any).
struct Slot {
  const char* name = nullptr;
  double initial = 0;
  std::optional<Shape> sizes{};
};

struct ParameterState {
  std::int64_t step = 0;
  bool fresh = false;             // tensors were made in this step
  std::vector<Tensor> tensors{};  // as slots(); empty before the first step
  std::vector<double> numbers{};  // as numbers()
};

// A parameter that a step changes: `param` is dense f32 or f64, and `grad` in the same memory order, so that
// kernels walk both as arrays. `param` is the parameter itself if it is like that, else a copy.
struct Update {
  std::size_t index, group;  // the parameter's and its group's
  Tensor param, grad;
};

// Brings state into the dtype and memory order of `param`: Module::to may have changed the parameter, and
// loaded state may come from any.
void match(Tensor& state, const Tensor& param);

// An option as numbers: f64, i64 or bool, without dimensions if it is one number. An optional is a list of
// one or none.
struct Option {
  std::string_view name;
  DType dtype;
  bool scalar;
  std::vector<double> values;
};

template <class T> struct OptionTraits {
  static constexpr DType dtype = std::is_same_v<T, bool>                      ? boolean
                                 : std::is_integral_v<T> || std::is_enum_v<T> ? i64
                                                                              : f64;
  static constexpr bool scalar = true;
  static std::vector<double> get(const T& value) { return {static_cast<double>(value)}; }
  static void set(T& to, const std::vector<double>& from) { to = static_cast<T>(from.at(0)); }
};
template <class T> struct OptionTraits<std::optional<T>> {
  static constexpr DType dtype = OptionTraits<T>::dtype;
  static constexpr bool scalar = false;
  static std::vector<double> get(const std::optional<T>& value) {
    return value ? OptionTraits<T>::get(*value) : std::vector<double>();
  }
  static void set(std::optional<T>& to, const std::vector<double>& from) {
    to.reset();
    if (!from.empty()) to = static_cast<T>(from[0]);
  }
};
template <std::size_t n> struct OptionTraits<std::array<double, n>> {
  static constexpr DType dtype = f64;
  static constexpr bool scalar = false;
  static std::vector<double> get(const std::array<double, n>& value) { return {value.begin(), value.end()}; }
  static void set(std::array<double, n>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < n; ++i) to[i] = from.at(i);
  }
};

// Errors, in the words of one option: not finite or below `least`.
void check_option(const char* optimizer, const char* option, double value, double least);
// Errors: not in [0, 1).
void check_fraction(const char* optimizer, const char* option, double value);
void check_betas(const char* optimizer, const std::array<double, 2>& betas);

// lr, and what most optimizers have besides it, each if it is there.
template <class Options> void check_common(const char* optimizer, const Options& o) {
  check_option(optimizer, "lr", o.lr, 0);
  if constexpr (requires { o.betas; }) check_betas(optimizer, o.betas);
  if constexpr (requires { o.eps; }) check_option(optimizer, "eps", o.eps, 0);
  if constexpr (requires { o.momentum; }) check_option(optimizer, "momentum", o.momentum, 0);
  if constexpr (requires { o.weight_decay; }) check_option(optimizer, "weight_decay", o.weight_decay, 0);
}

// What multiplies a parameter first where weight decay is apart from the gradient, and what is left for the
// gradient.
struct Decay {
  double shrink, weight_decay;
  Decay(bool decoupled, double lr, double weight_decay)
      : shrink(decoupled ? 1 - lr * weight_decay : 1), weight_decay(decoupled ? 0 : weight_decay) {}
};

}  // namespace detail

template <class Options>
OptimizerOf<Options>::OptimizerOf(const char* name, std::vector<Tensor> parameters, const Options& options,
                                  Check check, ParameterCheck check_parameter)
    : Optimizer(name, std::move(parameters), check_parameter),
      check_(check),
      defaults_(options),
      options_{options} {
  check(name, options);
}

template <class Options> Options& OptimizerOf<Options>::options(std::size_t group) {
  check_group(group);
  return options_[group];
}
template <class Options> const Options& OptimizerOf<Options>::options(std::size_t group) const {
  check_group(group);
  return options_[group];
}
template <class Options> const Options& OptimizerOf<Options>::options_of(const detail::Update& update) const {
  return options_[update.group];
}

template <class Options>
void OptimizerOf<Options>::add_param_group(std::vector<Tensor> parameters, const Options& options) {
  check_(name_, options);
  options_.reserve(options_.size() + 1);
  add_parameters(std::move(parameters));
  options_.push_back(options);
}

template <class Options> double* OptimizerOf<Options>::option(std::size_t group, std::string_view name) {
  check_group(group);
  double* found = nullptr;
  reflect::for_each_field(options_[group], [&]<class T>(std::string_view field, T& value) {
    if (field != name) return;
    if constexpr (std::is_same_v<T, double>) found = &value;
    if constexpr (std::is_same_v<T, std::array<double, 2>>) found = value.data();
  });
  return found;
}

template <class Options>
std::vector<detail::Option> OptimizerOf<Options>::get_options(std::size_t group) const {
  std::vector<detail::Option> out;
  reflect::for_each_field(options_[group], [&]<class T>(std::string_view name, const T& value) {
    using Traits = detail::OptionTraits<T>;
    out.push_back({name, Traits::dtype, Traits::scalar, Traits::get(value)});
  });
  return out;
}

template <class Options>
void OptimizerOf<Options>::set_options(std::size_t group, const std::vector<detail::Option>& options,
                                       bool check) {
  Options changed = options_[group];
  std::size_t i = 0;
  reflect::for_each_field(changed, [&]<class T>(std::string_view, T& value) {
    detail::OptionTraits<T>::set(value, options[i++].values);
  });
  if (check) check_(name_, changed);
  options_[group] = changed;
}

template <class Options> template <class RuleOf> void OptimizerOf<Options>::apply_rule(const RuleOf& rule) {
  using Rule = std::invoke_result_t<const RuleOf&, const Options&, detail::ParameterState&>;
  const std::vector<detail::Update> updates = begin_updates();
  std::vector<kernels::OptimTensor<Rule>> tensors;
  tensors.reserve(updates.size());
  for (const detail::Update& u : updates) {
    detail::ParameterState& state = begin_state(u);
    kernels::OptimTensor<Rule> t{.dtype = u.param.dtype(),
                                 .count = u.param.numel(),
                                 .param = u.param.raw_data(),
                                 .grad = u.grad.raw_data(),
                                 .state = {},
                                 .rule = rule(options_of(u), state)};
    for (std::size_t i = 0; i < state.tensors.size(); ++i) {
      if (state.tensors[i].defined()) t.state[i] = state.tensors[i].raw_data();
    }
    tensors.push_back(t);
  }
  kernels::optim_step(kernels::OptimTensors<Rule>(tensors));
  finish_updates(updates);
}

}  // namespace mica::optim
