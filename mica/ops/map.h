// A user's own elementwise operation in one pass.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <mica/ops/map_value.h>
#include <mica/tensor/tensor.h>

namespace mica {

namespace detail {

template <class F>
concept NoTensor = !std::derived_from<std::remove_cvref_t<F>, Tensor>;

// The only input, if nobody else holds it, lends its memory to the result. `name` is the operation's in
// graphs and errors, a literal.
Tensor map(const char* name, const kernels::MapProgram& program, std::span<const Tensor> inputs);

template <class F, std::size_t... i, std::same_as<Tensor>... X>
Tensor trace_and_map(const char* name, std::index_sequence<i...>, F& fn, X... x) {
  using elementwise::Value;
  constexpr bool callable = std::is_invocable_v<F&, decltype(static_cast<void>(i), std::declval<Value>())...>;
  static_assert(callable,
                "mica::map: the function cannot be called with one value per tensor. It needs as many "
                "parameters as there are tensors, declared `auto`");
  if constexpr (callable) {
    using Result = std::invoke_result_t<F&, decltype(static_cast<void>(i), std::declval<Value>())...>;
    constexpr bool has_value = std::is_convertible_v<Result, Value>;
    static_assert(has_value,
                  "mica::map: the function must return one value computed from its parameters, or a "
                  "number. A comparison becomes a value by where(condition, 1, 0)");
    if constexpr (has_value) {
      elementwise::Recorder recorder;
      const Value result = fn(recorder.input(static_cast<std::int32_t>(i))...);
      return map(name, recorder.finish({&result, 1}), std::array{std::move(x)...});
    }
  }
  return {};
}

// The same for the library's own functions of one tensor.
template <class F> Tensor map_as(const char* name, Tensor x, F fn) {
  return trace_and_map(name, std::make_index_sequence<1>(), fn, std::move(x));
}

}  // namespace detail

// fn(x), fn(x, y)... of each element, in one pass over memory: a fused operation of your own.
//
//   Tensor y = map(a, b, [](auto a, auto b) { return a * sigmoid(b); });
//
// The function is called once, with values that stand for an element of each tensor; it may compute with
// them, with numbers and with what it captured, and calls the functions of <mica/ops/map_value.h>. The result
// is vectorised whatever flags the program is compiled with. Derivatives follow from the function, to any
// order.
//
// Shapes broadcast and dtypes promote as in arithmetic; it is computed in floating point, so integers give
// f32, and bf16 and f16 are computed in f32. Errors: shapes that do not broadcast.
template <class F>
  requires detail::NoTensor<F>
Tensor map(const Tensor& x, F&& fn) {
  return detail::trace_and_map("map", std::make_index_sequence<1>(), fn, x);
}
template <class F>
  requires detail::NoTensor<F>
Tensor map(const Tensor& x, const Tensor& y, F&& fn) {
  return detail::trace_and_map("map", std::make_index_sequence<2>(), fn, x, y);
}
template <class F>
  requires detail::NoTensor<F>
Tensor map(const Tensor& x, const Tensor& y, const Tensor& z, F&& fn) {
  return detail::trace_and_map("map", std::make_index_sequence<3>(), fn, x, y, z);
}
template <class F>
  requires detail::NoTensor<F>
Tensor map(const Tensor& x, const Tensor& y, const Tensor& z, const Tensor& w, F&& fn) {
  return detail::trace_and_map("map", std::make_index_sequence<4>(), fn, x, y, z, w);
}

}  // namespace mica
