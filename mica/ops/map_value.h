// What the function given to mica::map works on: a stand-in for one element of each tensor. It has the
// arithmetic and the functions of tensors, and writes down what is asked of it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <mica/kernels/map.h>
#include <mica/ops/activation.h>

namespace mica::elementwise {

class Recorder;

template <class> inline constexpr bool never = false;

// An element, or a number. Functions of values are found by their argument: write sigmoid(a), not
// mica::sigmoid(a).
class Value {
 public:
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  Value(T number) : number_(static_cast<double>(number)) {}

  Value& operator+=(Value other);
  Value& operator-=(Value other);
  Value& operator*=(Value other);
  Value& operator/=(Value other);

  template <std::same_as<bool> T> explicit operator T() const {
    static_assert(never<T>,
                  "mica::map runs the function once for all elements, so it cannot branch on one: "
                  "compare, and choose with where(a > 0, x, y)");
  }

 private:
  friend class Recorder;
  Value(Recorder* recorder, std::int32_t step) : recorder_(recorder), step_(step) {}
  Recorder* recorder_ = nullptr;  // null for numbers
  std::int32_t step_ = 0;
  double number_ = 0;
};

// Whether something holds for an element: for where(), &&, || and !.
class Condition {
 public:
  template <std::same_as<bool> T> Condition(T constant) : value_(constant) {}
  template <std::same_as<bool> T> explicit operator T() const {
    static_assert(never<T>,
                  "mica::map runs the function once for all elements, so `if` and ?: cannot follow "
                  "one of them: choose with where(condition, x, y)");
  }

 private:
  friend class Recorder;
  explicit Condition(Value value) : value_(value) {}
  Value value_;
};

Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator-(Value x);
inline Value operator+(Value x) { return x; }

Condition operator==(Value a, Value b);
Condition operator!=(Value a, Value b);
Condition operator<(Value a, Value b);
Condition operator<=(Value a, Value b);
Condition operator>(Value a, Value b);
Condition operator>=(Value a, Value b);
Condition operator&&(Condition a, Condition b);
Condition operator||(Condition a, Condition b);
Condition operator!(Condition a);
Condition isnan(Value x);
// condition ? a : b
Value where(Condition condition, Value a, Value b);

// As the operations on tensors of these names, with their derivatives.
Value abs(Value x);
Value sign(Value x);
Value square(Value x);
Value reciprocal(Value x);
Value sqrt(Value x);
Value rsqrt(Value x);
Value exp(Value x);
Value expm1(Value x);
Value log(Value x);
Value log1p(Value x);
Value sin(Value x);
Value cos(Value x);
Value erf(Value x);
Value floor(Value x);
Value ceil(Value x);
Value round(Value x);  // ties to even
Value trunc(Value x);
Value pow(Value base, Value exponent);
Value maximum(Value a, Value b);
Value minimum(Value a, Value b);
Value clamp(Value x, Value min, Value max);  // the gradient passes within, and for NaN
Value relu(Value x);
Value sigmoid(Value x);
Value tanh(Value x);
Value gelu(Value x, Gelu approximate = Gelu::none);

// Writes a program, one step for each value that is new: equal steps are made once, and what is known of
// numbers is computed at once. The values it hands out are valid as long as it lives.
class Recorder {
 public:
  Recorder() { program_.steps.reserve(16); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Value input(std::int32_t number);
  // Operands of conditions are conditions. Errors: values of several recorders.
  static Value apply(kernels::MapOp op, std::span<const Value> operands);
  // The number that a value is known to be.
  static std::optional<double> number(Value value) {
    return value.recorder_ == nullptr ? std::optional(value.number_) : std::nullopt;
  }
  static Condition condition(Value value) { return Condition(value); }
  static Value value(Condition condition) { return condition.value_; }
  // The program of these results, without the steps that they do not need. The recorder is empty afterwards.
  kernels::MapProgram finish(std::span<const Value> results);

 private:
  Value add(const kernels::MapStep& step);
  std::int32_t step_of(Value value);
  kernels::MapProgram program_;
};

}  // namespace mica::elementwise
