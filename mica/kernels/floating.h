// For kernels that compute in f32 and f64 only.
#pragma once

#include <string>

#include <mica/core/dtype.h>
#include <mica/core/error.h>

namespace mica::kernels {

// Calls fn.template operator()<T>() with T = float or double. Errors: any other dtype.
template <class Fn> void dispatch_floating(const char* operation, DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32: return fn.template operator()<float>();
    case DType::f64: return fn.template operator()<double>();
    default:
      throw Error(operation, "is computed in f32 and f64, not in " + std::string(name(dtype)),
                  "convert the input with to(f32)");
  }
}

}  // namespace mica::kernels
