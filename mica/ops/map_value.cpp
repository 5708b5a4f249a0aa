#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <optional>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/map_value.h>

namespace mica::elementwise {

using kernels::MapOp;
using kernels::MapStep;

namespace {

double number_of(MapOp op, double a, double b, double c) {
  switch (op) {
    case MapOp::input:
    case MapOp::constant: return a;
    case MapOp::neg: return -a;
    case MapOp::abs: return std::fabs(a);
    case MapOp::sign: return a > 0 ? 1 : a < 0 ? -1 : 0;
    case MapOp::floor: return std::floor(a);
    case MapOp::ceil: return std::ceil(a);
    case MapOp::round: return std::nearbyint(a);
    case MapOp::trunc: return std::trunc(a);
    case MapOp::sqrt: return std::sqrt(a);
    case MapOp::exp: return std::exp(a);
    case MapOp::expm1: return std::expm1(a);
    case MapOp::log: return std::log(a);
    case MapOp::log1p: return std::log1p(a);
    case MapOp::sin: return std::sin(a);
    case MapOp::cos: return std::cos(a);
    case MapOp::sigmoid: return 1 / (1 + std::exp(-a));
    case MapOp::tanh: return std::tanh(a);
    case MapOp::erf: return std::erf(a);
    case MapOp::normal_cdf: return std::erfc(-a / std::numbers::sqrt2) / 2;
    case MapOp::logical_not: return a == 0 ? 1 : 0;
    case MapOp::add: return a + b;
    case MapOp::sub: return a - b;
    case MapOp::mul: return a * b;
    case MapOp::div: return a / b;
    case MapOp::maximum: return std::isnan(a) || std::isnan(b) ? a + b : std::fmax(a, b);
    case MapOp::minimum: return std::isnan(a) || std::isnan(b) ? a + b : std::fmin(a, b);
    case MapOp::pow: return std::pow(a, b);
    case MapOp::eq: return a == b ? 1 : 0;
    case MapOp::ne: return a != b ? 1 : 0;
    case MapOp::lt: return a < b ? 1 : 0;
    case MapOp::le: return a <= b ? 1 : 0;
    case MapOp::gt: return a > b ? 1 : 0;
    case MapOp::ge: return a >= b ? 1 : 0;
    case MapOp::logical_and: return a != 0 && b != 0 ? 1 : 0;
    case MapOp::logical_or: return a != 0 || b != 0 ? 1 : 0;
    case MapOp::where: return a != 0 ? b : c;
  }
  return a;
}

bool same(const MapStep& a, const MapStep& b) {
  return a.op == b.op && a.from == b.from &&
         std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
}

Value record(MapOp op, std::initializer_list<Value> operands) {
  return Recorder::apply(op, {operands.begin(), operands.size()});
}
Condition compare(MapOp op, Value a, Value b) { return Recorder::condition(record(op, {a, b})); }

}  // namespace

Value Recorder::input(std::int32_t number) { return add({.op = MapOp::input, .from = {number}}); }

Value Recorder::add(const MapStep& step) {
  auto& steps = program_.steps;
  for (std::size_t i = steps.size(); i-- > 0;) {
    if (same(steps[i], step)) return {this, static_cast<std::int32_t>(i)};
  }
  steps.push_back(step);
  return {this, static_cast<std::int32_t>(steps.size()) - 1};
}

std::int32_t Recorder::step_of(Value value) {
  if (value.recorder_ == nullptr) value = add({.op = MapOp::constant, .number = value.number_});
  if (value.recorder_ != this) {
    throw Error("map", "the function uses an element of another call of map",
                "give its tensor to this call, too");
  }
  return value.step_;
}

Value Recorder::apply(MapOp op, std::span<const Value> operands) {
  std::array<std::optional<double>, 3> numbers;  // of the operands that are numbers
  Recorder* recorder = nullptr;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (operands[k].recorder_ == nullptr)
      numbers[k] = operands[k].number_;
    else if (recorder == nullptr)
      recorder = operands[k].recorder_;
  }
  if (recorder == nullptr) return number_of(op, *numbers[0], numbers[1].value_or(0), numbers[2].value_or(0));

  // What changes no bit of the result, NaN, infinities and zeros included.
  const auto& [a, b, c] = numbers;
  if (op == MapOp::where && a) return *a != 0 ? operands[1] : operands[2];
  if (op == MapOp::mul && b == 1.0) return operands[0];
  if (op == MapOp::mul && a == 1.0) return operands[1];
  if (op == MapOp::div && b == 1.0) return operands[0];
  if (op == MapOp::logical_and && (a || b))
    return a.value_or(1) != 0 && b.value_or(1) != 0 ? operands[a ? 1 : 0] : Value(0);
  if (op == MapOp::logical_or && (a || b))
    return a.value_or(0) != 0 || b.value_or(0) != 0 ? Value(1) : operands[a ? 1 : 0];
  MapStep step{.op = op};
  for (std::size_t k = 0; k < operands.size(); ++k) step.from[k] = recorder->step_of(operands[k]);
  const MapStep& first = recorder->program_.steps[static_cast<std::size_t>(step.from[0])];
  if (op == MapOp::neg && first.op == MapOp::neg) return {recorder, first.from[0]};
  if ((op == MapOp::add || op == MapOp::mul) && step.from[0] > step.from[1])
    std::swap(step.from[0], step.from[1]);
  return recorder->add(step);
}

kernels::MapProgram Recorder::finish(std::span<const Value> results) {
  for (const Value& result : results) program_.results.push_back(step_of(result));
  const auto at = [](std::int32_t i) { return static_cast<std::size_t>(i); };
  auto& steps = program_.steps;
  // Backwards, an operand is marked by each step that needs it before its own turn comes.
  std::vector<std::int32_t> number(steps.size(), -1);
  for (const std::int32_t result : program_.results) number[at(result)] = 0;
  for (std::size_t i = steps.size(); i-- > 0;) {
    for (int k = 0; number[i] == 0 && k < operand_count(steps[i].op); ++k)
      number[at(steps[i].from[at(k)])] = 0;
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (number[i] < 0) continue;
    number[i] = static_cast<std::int32_t>(count);
    MapStep& step = steps[count++] = steps[i];
    for (int k = 0; k < operand_count(step.op); ++k) step.from[at(k)] = number[at(step.from[at(k)])];
  }
  steps.resize(count, MapStep{MapOp::constant});
  for (std::int32_t& result : program_.results) result = number[at(result)];
  return std::move(program_);
}

Value& Value::operator+=(Value other) { return *this = *this + other; }
Value& Value::operator-=(Value other) { return *this = *this - other; }
Value& Value::operator*=(Value other) { return *this = *this * other; }
Value& Value::operator/=(Value other) { return *this = *this / other; }

Value operator+(Value a, Value b) { return record(MapOp::add, {a, b}); }
Value operator-(Value a, Value b) { return record(MapOp::sub, {a, b}); }
Value operator*(Value a, Value b) { return record(MapOp::mul, {a, b}); }
Value operator/(Value a, Value b) { return record(MapOp::div, {a, b}); }
Value operator-(Value x) { return record(MapOp::neg, {x}); }

Condition operator==(Value a, Value b) { return compare(MapOp::eq, a, b); }
Condition operator!=(Value a, Value b) { return compare(MapOp::ne, a, b); }
Condition operator<(Value a, Value b) { return compare(MapOp::lt, a, b); }
Condition operator<=(Value a, Value b) { return compare(MapOp::le, a, b); }
Condition operator>(Value a, Value b) { return compare(MapOp::gt, a, b); }
Condition operator>=(Value a, Value b) { return compare(MapOp::ge, a, b); }
Condition operator&&(Condition a, Condition b) {
  return compare(MapOp::logical_and, Recorder::value(a), Recorder::value(b));
}
Condition operator||(Condition a, Condition b) {
  return compare(MapOp::logical_or, Recorder::value(a), Recorder::value(b));
}
Condition operator!(Condition a) {
  return Recorder::condition(record(MapOp::logical_not, {Recorder::value(a)}));
}
Condition isnan(Value x) { return x != x; }
Value where(Condition condition, Value a, Value b) {
  return record(MapOp::where, {Recorder::value(condition), a, b});
}

Value abs(Value x) { return record(MapOp::abs, {x}); }
Value sign(Value x) { return record(MapOp::sign, {x}); }
Value square(Value x) { return x * x; }
Value reciprocal(Value x) { return 1 / x; }
Value sqrt(Value x) { return record(MapOp::sqrt, {x}); }
Value rsqrt(Value x) { return 1 / sqrt(x); }
Value exp(Value x) { return record(MapOp::exp, {x}); }
Value expm1(Value x) { return record(MapOp::expm1, {x}); }
Value log(Value x) { return record(MapOp::log, {x}); }
Value log1p(Value x) { return record(MapOp::log1p, {x}); }
Value sin(Value x) { return record(MapOp::sin, {x}); }
Value cos(Value x) { return record(MapOp::cos, {x}); }
Value erf(Value x) { return record(MapOp::erf, {x}); }
Value floor(Value x) { return record(MapOp::floor, {x}); }
Value ceil(Value x) { return record(MapOp::ceil, {x}); }
Value round(Value x) { return record(MapOp::round, {x}); }
Value trunc(Value x) { return record(MapOp::trunc, {x}); }
Value maximum(Value a, Value b) { return record(MapOp::maximum, {a, b}); }
Value minimum(Value a, Value b) { return record(MapOp::minimum, {a, b}); }

Value pow(Value base, Value exponent) {
  const std::optional<double> p = Recorder::number(exponent);
  if (p == 0.0) return 1;
  if (p == 1.0) return base;
  if (p == 2.0) return base * base;
  if (p == 3.0) return base * (base * base);
  if (p == 0.5) return sqrt(base);
  if (p == -1.0) return 1 / base;
  return record(MapOp::pow, {base, exponent});
}

Value clamp(Value x, Value min, Value max) {
  const Value above = where(x < min, min, x);
  return where(above > max, max, above);
}

Value relu(Value x) { return where(x <= 0, 0, x); }  // 0 has the derivative 0
Value sigmoid(Value x) { return record(MapOp::sigmoid, {x}); }
Value tanh(Value x) { return record(MapOp::tanh, {x}); }
Value gelu(Value x, Gelu approximate) {
  if (approximate == Gelu::none) return x * record(MapOp::normal_cdf, {x});
  // (1 + tanh(u)) / 2 = sigmoid(2 u)
  const double scale = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  return x * sigmoid(x * (x * x * 0.044715 + 1) * scale);
}

}  // namespace mica::elementwise
