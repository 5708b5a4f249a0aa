// Activation checkpointing: memory for time.
//
//   x = autograd::checkpoint([&](const Tensor& h) { return block(h); }, x);
//
// The graph of fn is not kept: backward runs fn again to have it. So training holds the inputs of each
// segment and the insides of one, instead of the insides of all (Chen et al. 2016, "Training Deep Nets with
// Sublinear Memory Cost"; torch.utils.checkpoint).
//
// fn may use any tensor besides its inputs: parameters that it captures get their gradients, whether or not
// an input needs one. It is called with the numbers of the default generator that it saw the first time, so
// that dropout drops the same, and under the same Autocast. Checkpoints nest, and second derivatives,
// autograd::grad() and hooks work through them. What else fn changes, as running statistics, it changes
// twice.
//
// Errors, at backward: an input or a captured leaf was changed in place since; fn computed something else the
// second time.
#pragma once

#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/function.h>
#include <mica/core/any_function.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

using ListFunction = AnyFunction<std::vector<Tensor>(std::span<const Tensor>)>;

struct CheckpointOptions {
  bool preserve_rng_state = true;  // costs 5 KB for each checkpoint
};

// For a number of tensors known at run time.
std::vector<Tensor> checkpoint_list(ListFunction fn, std::span<const Tensor> inputs,
                                    const CheckpointOptions& options = {});

// Calls fn(inputs...), which returns a Tensor, or a std::array, pair or tuple of them. A function that can be
// copied is; one that cannot, a module, is referred to and must live until backward is done.
template <class F, std::derived_from<Tensor>... In> auto checkpoint(F&& fn, const In&... inputs) {
  using Fn = std::remove_reference_t<F>;
  using Result = std::decay_t<std::invoke_result_t<Fn&, const In&...>>;
  constexpr std::size_t count = detail::result_count<Result>();
  static_assert(
      count > 0,
      "checkpoint() wants a function that returns a Tensor, or a std::array, pair or tuple of them");
  const auto held = [&] {
    if constexpr (std::is_lvalue_reference_v<F> && !std::is_copy_constructible_v<Fn>)
      return std::shared_ptr<Fn>(std::shared_ptr<void>(), &fn);  // not owned
    else
      return std::make_shared<std::remove_const_t<Fn>>(std::forward<F>(fn));
  }();
  const auto call = [held](std::span<const Tensor> list) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return detail::to_list((*held)(list[I]...));
    }(std::index_sequence_for<In...>());
  };
  const std::array<Tensor, sizeof...(In)> list{inputs...};
  std::vector<Tensor> results = checkpoint_list(call, list);
  if constexpr (std::derived_from<Result, Tensor>) {
    return Tensor(std::move(results[0]));
  } else {
    Result out;
    std::size_t i = 0;
    detail::for_each_tensor(out, [&](Tensor& y) { y = std::move(results[i++]); });
    return out;
  }
}

}  // namespace mica::autograd
