// How an operation takes part in Autocast: one line at its top, before it looks at dtypes.
//
//   if (autocast_enabled()) return ops::autocast_to<bf16>(linear, x, weight, bias);
//
// calls it again outside of Autocast, with its floating-point arguments converted.
#pragma once

#include <concepts>
#include <utility>

#include <mica/autograd/autocast.h>

namespace mica {
using autograd::autocast_enabled;

namespace ops {

// Tensors, those in options too; all else as it is.
template <DType dtype, class T> T autocast_argument(const T& argument) {
  if constexpr (std::derived_from<T, Tensor>) {
    return autograd::autocast(argument, dtype);
  } else {
    T converted = argument;
    if constexpr (requires { Tensor(converted.weight); })
      converted.weight = autograd::autocast(converted.weight, dtype);
    if constexpr (requires { Tensor(converted.pos_weight); })
      converted.pos_weight = autograd::autocast(converted.pos_weight, dtype);
    return converted;
  }
}

template <DType dtype, class Operation, class... Arguments>
auto autocast_to(const Operation& operation, const Arguments&... arguments) {
  const autograd::NoAutocast chosen;
  return operation(autocast_argument<dtype>(arguments)...);
}

// For an operation that goes by its arguments, but is composed of some that would choose.
template <class Operation, class... Arguments>
auto autocast_off(const Operation& operation, const Arguments&... arguments) {
  const autograd::NoAutocast chosen;
  return operation(arguments...);
}

}  // namespace ops
}  // namespace mica
