// A number whose kind (boolean, integer, floating) takes part in type promotion, as a Python number does in
// PyTorch.
#pragma once

#include <concepts>
#include <cstdint>

#include <mica/core/dtype.h>

namespace mica {

class Scalar {
 public:
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  Scalar(T value)
      : kind_(std::same_as<T, bool> ? boolean
              : std::integral<T>    ? i64
                                    : f64),
        real_(static_cast<double>(value)),
        integer_(std::integral<T> ? static_cast<std::int64_t>(value) : 0) {}

  // boolean, i64 or f64.
  DType kind() const { return kind_; }
  double to_double() const { return real_; }
  // Integers exactly; floating values truncated, saturating.
  std::int64_t to_int() const {
    if (kind_ != f64) return integer_;
    if (!(real_ > -0x1p63)) return real_ != real_ ? 0 : INT64_MIN;
    return real_ >= 0x1p63 ? INT64_MAX : static_cast<std::int64_t>(real_);
  }

 private:
  DType kind_;
  double real_;
  std::int64_t integer_;
};

}  // namespace mica
