// Operations of one's own.
//
//   struct Swish : autograd::Function<Swish> {
//     struct Context : autograd::Context {   // optional: what backward needs besides tensors
//       double beta = 1;
//     };
//     static Tensor forward(Context& ctx, const Tensor& x, double beta) {
//       ctx.beta = beta;
//       ctx.save(x);
//       return x * sigmoid(x * beta);
//     }
//     static Tensor backward(Context& ctx, const Tensor& grad) {
//       const Tensor x = ctx.saved(0);
//       const Tensor s = sigmoid(x * ctx.beta);
//       return grad * (s + x * s * (1 - s) * ctx.beta);
//     }
//   };
//   Tensor y = Swish::apply(x, 2.0);
//
// forward gets what apply was given: tensors (Tensor, nn::Parameter, std::optional<Tensor>,
// std::vector<Tensor>) and anything else, in any order. It runs unrecorded and must not change its inputs. It
// returns a Tensor, a std::array, pair or tuple of them, or a std::vector.
//
// backward gets one gradient per result and returns one per tensor input, in their order; an undefined one
// stands for zero. With one input it may return a Tensor; with several a std::array, tuple or vector. Written
// with differentiable operations it has second derivatives: the pass records it when create_graph asks for
// them. A function that declares `static constexpr bool once_differentiable = true;` throws there instead.
//
// Errors name the function by its type. They are: a backward that returns another number of gradients or
// other shapes, a saved tensor changed in place since, a second backward over a freed graph.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <mica/autograd/list_node.h>

namespace mica::autograd {

namespace detail {
class FunctionNode;
}

// What forward leaves for backward.
class Context {
 public:
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  // Keeps tensors, numbered in the order given over all calls: inputs, results, and what was computed
  // between. The last have no history, so a second derivative through one throws: save inputs and compute it
  // again, or return it as a result as well.
  template <std::derived_from<Tensor>... T> void save(const T&... tensors) { (keep(tensors, false), ...); }
  // The same for tensors that do not depend on the inputs, as a random mask.
  template <std::derived_from<Tensor>... T> void save_constant(const T&... tensors) {
    (keep(tensors, true), ...);
  }
  // Errors: no such tensor; changed in place since it was saved; called before backward.
  Tensor saved(std::size_t i) const;
  // All of them: const auto [x, y] = ctx.saved<2>(). Errors: another number of them.
  template <std::size_t N> std::array<Tensor, N> saved() const {
    check_count(N);
    std::array<Tensor, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = saved(i);
    return out;
  }

  // Whether tensor input i wants a gradient, counting tensors only. Errors: no such input.
  bool needs_input_grad(std::size_t i) const;
  // In forward: this result has no gradient. Integer results never have one.
  void mark_non_differentiable(const Tensor& result);
  // In forward: whether backward gets zeros for results that no gradient came to (the default), or undefined.
  void set_materialize_grads(bool on) { materialize_grads_ = on; }

 private:
  friend detail::FunctionNode;
  enum class Kind { input, result, between, constant };
  struct Kept {
    Tensor tensor;  // until forward has returned
    Kind kind;
    Saved saved;
    std::optional<SavedOutput> result;
  };
  void keep(const Tensor& tensor, bool constant);
  void check_count(std::size_t n) const;

  std::vector<Kept> kept_;
  std::vector<bool> needs_;
  std::vector<Tensor> not_differentiable_;
  bool materialize_grads_ = true;
  const detail::FunctionNode* node_ = nullptr;  // set once forward has returned
};

namespace detail {

// "Swish" for a type of that name, wherever it was declared; never freed.
const char* function_name(const std::type_info& type);

class FunctionNode : public ListNode {
 public:
  // Before forward: the inputs, whose history the node continues.
  void begin(Context& context, std::span<const Tensor> inputs);
  // After it: makes the results outcomes of this node, if operations are recorded. Errors: an input was
  // changed.
  void finish(Context& context, std::span<const Tensor> inputs, std::span<Tensor* const> results);

  Tensor saved(const Context::Kept& kept) const;

 protected:
  FunctionNode(const char* name, bool once);
  ~FunctionNode() override;
  void backward_of(const Context& context, std::span<const Tensor> grad_outputs,
                   std::vector<Tensor>& grad_inputs);

 private:
  virtual std::vector<Tensor> call(std::span<const Tensor> grads) = 0;
  bool once_;
  bool recorded_ = false;
  std::vector<std::uint32_t> versions_;
};

// Appends the tensors of an argument.
void append_tensors(std::vector<Tensor>& out, const Tensor& x);
void append_tensors(std::vector<Tensor>& out, const std::optional<Tensor>& x);
void append_tensors(std::vector<Tensor>& out, std::span<const Tensor> list);
template <class T>
concept HasTensors = requires(std::vector<Tensor>& out, const T& x) { append_tensors(out, x); };
template <class T> void append_argument(std::vector<Tensor>& out, const T& x) {
  if constexpr (HasTensors<T> && !std::same_as<T, std::nullopt_t>) append_tensors(out, x);
}

// Calls fn(tensor) for each tensor of a result.
template <class R, class Fn> void for_each_tensor(R& result, Fn fn) {
  if constexpr (std::derived_from<std::remove_const_t<R>, Tensor>) {
    fn(result);
  } else if constexpr (requires { std::tuple_size<std::remove_const_t<R>>::value; }) {
    std::apply([&](auto&... each) { (fn(each), ...); }, result);
  } else {
    for (auto& each : result) fn(each);
  }
}
template <class R> std::vector<Tensor> to_list(const R& result) {
  std::vector<Tensor> out;
  for_each_tensor(result, [&](const Tensor& x) { out.push_back(x); });
  return out;
}

template <class R> constexpr std::size_t result_count() {  // 0: known at run time
  if constexpr (std::derived_from<R, Tensor>)
    return 1;
  else if constexpr (requires { std::tuple_size<R>::value; })
    return std::tuple_size_v<R>;
  else
    return 0;
}

template <class T> constexpr bool once_differentiable() {
  if constexpr (requires { T::once_differentiable; })
    return T::once_differentiable;
  else
    return false;
}

// N results, or 0: any number, handed to backward as a span.
template <class T, std::size_t N> class FunctionOf final : public FunctionNode {
 public:
  FunctionOf() : FunctionNode(name_of_type(), once_differentiable<T>()) {}

  T::Context& context() { return *context_; }

  void backward(std::span<const Tensor> grad_outputs, std::vector<Tensor>& grad_inputs) override {
    if (!context_) throw_freed();
    backward_of(*context_, grad_outputs, grad_inputs);
  }
  void release() override { context_.reset(); }

 private:
  static const char* name_of_type() {
    static const char* const name = function_name(typeid(T));
    return name;
  }
  std::vector<Tensor> call(std::span<const Tensor> grads) override {
    if constexpr (N == 0) {
      return to_list(T::backward(*context_, grads));
    } else {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return to_list(T::backward(*context_, grads[I]...));
      }(std::make_index_sequence<N>());
    }
  }

  std::optional<typename T::Context> context_{std::in_place};
};

}  // namespace detail

// The base of an operation T with static members forward and backward (torch.autograd.Function).
template <class T> struct Function {
  using Context = autograd::Context;

  template <class... Args> static auto apply(Args&&... args) {
    static_assert(std::derived_from<typename T::Context, autograd::Context>,
                  "a function's own Context derives from mica::autograd::Context");
    using Result = std::decay_t<decltype(T::forward(std::declval<typename T::Context&>(), args...))>;
    std::vector<Tensor> inputs;
    (detail::append_argument(inputs, args), ...);
    auto* node = new detail::FunctionOf<T, detail::result_count<Result>()>();
    const auto owner = Ref<NodeBase>::adopt(node);
    node->begin(node->context(), inputs);
    Result result = [&] {
      const NoGrad unrecorded;
      return T::forward(node->context(), args...);
    }();
    std::vector<Tensor*> results;
    detail::for_each_tensor(result, [&](Tensor& y) { results.push_back(&y); });
    node->finish(node->context(), inputs, results);
    return result;
  }
};

}  // namespace mica::autograd
