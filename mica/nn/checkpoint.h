// Modules that are computed again in the backward pass instead of remembered.
//
//   for (Block& block : blocks) x = nn::checkpoint(block, x);
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/checkpoint.h>
#include <mica/nn/module.h>

namespace mica::nn {

namespace detail {

// An argument of a call that is made twice: tensors are handed in at each, other values are kept.
template <class T> struct RepeatedArgument {
  explicit RepeatedArgument(const T& given) : value(given) {}
  static void append(std::vector<Tensor>&, const T&) {}
  T get(std::span<const Tensor>, std::size_t&) const { return value; }
  T value;
};
template <std::derived_from<Tensor> T> struct RepeatedArgument<T> {
  explicit RepeatedArgument(const T&) {}
  static void append(std::vector<Tensor>& list, const Tensor& x) { list.push_back(x); }
  Tensor get(std::span<const Tensor> list, std::size_t& next) const { return list[next++]; }
};
template <> struct RepeatedArgument<std::optional<Tensor>> {
  explicit RepeatedArgument(const std::optional<Tensor>& given) : has_value(given.has_value()) {}
  static void append(std::vector<Tensor>& list, const std::optional<Tensor>& x) {
    list.push_back(x.value_or(Tensor()));
  }
  std::optional<Tensor> get(std::span<const Tensor> list, std::size_t& next) const {
    const Tensor& x = list[next++];
    return has_value ? std::optional(x) : std::nullopt;
  }
  bool has_value;
};

// Where the module is now. Errors: it is gone.
ModuleRef checkpointed(const FollowedModule& module);

}  // namespace detail

// module(args...), without keeping its graph: backward calls the module again to have it (see
// autograd::checkpoint, and torch.utils.checkpoint). Gradients are those of the plain call, also of the
// parameters, whether or not an argument requires one, and dropout drops the same. Tensors and
// std::optional<Tensor> among the arguments get gradients; others are copied. The result is a Tensor, or a
// std::array, pair or tuple of them.
//
// The module may be moved before backward; it must live, and be in the same mode. What it changes, as running
// statistics, it changes twice, and its forward hooks run twice.
// Errors, at backward: the module is gone, and those of autograd::checkpoint.
template <IsModule M, class... Args>
auto checkpoint(M& module, autograd::CheckpointOptions options, Args&&... args) {
  using Result = std::decay_t<decltype(module(std::forward<Args>(args)...))>;
  static_assert(autograd::detail::result_count<Result>() > 0,
                "checkpoint() wants a module that returns a Tensor, or a std::array, pair or tuple of them");
  std::vector<Tensor> tensors;
  (detail::RepeatedArgument<std::decay_t<Args>>::append(tensors, args), ...);
  const auto call = [followed = std::make_shared<detail::FollowedModule>(ModuleRef(module)),
                     repeated = std::tuple(detail::RepeatedArgument<std::decay_t<Args>>(args)...)](
                        std::span<const Tensor> list) {
    M& again = *detail::checkpointed(*followed).template get_if<M>();
    std::size_t next = 0;
    return std::apply(
        [&](const auto&... argument) {
          // In braces, where the order is that of the arguments.
          std::tuple<decltype(argument.get(list, next))...> given{argument.get(list, next)...};
          return std::apply(
              [&](auto&... arg) { return autograd::detail::to_list(Result(again(std::move(arg)...))); },
              given);
        },
        repeated);
  };
  std::vector<Tensor> results = autograd::checkpoint_list(call, tensors, options);
  if constexpr (std::derived_from<Result, Tensor>) {
    return Tensor(std::move(results[0]));
  } else {
    Result out;
    std::size_t i = 0;
    autograd::detail::for_each_tensor(out, [&](Tensor& y) { y = std::move(results[i++]); });
    return out;
  }
}
template <IsModule M, class... Args> auto checkpoint(M& module, Args&&... args) {
  return checkpoint(module, autograd::CheckpointOptions{}, std::forward<Args>(args)...);
}

}  // namespace mica::nn
