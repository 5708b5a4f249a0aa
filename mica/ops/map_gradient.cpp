#include <algorithm>
#include <array>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include <mica/ops/map_gradient.h>
#include <mica/ops/map_value.h>

namespace mica {

using elementwise::Recorder;
using elementwise::Value;
using kernels::MapOp;
using kernels::MapProgram;
using kernels::MapStep;

namespace {

// What a step passes on to its operands; nothing where its derivative is zero everywhere.
using Slopes = std::array<std::optional<Value>, 3>;

// For y = op(a, b, ...) and the gradient g of y. Conditions have none.
Slopes slopes_of(MapOp op, Value a, Value b, Value y, Value g) {
  switch (op) {
    case MapOp::neg: return {-g};
    case MapOp::abs: return {g * sign(a)};
    case MapOp::sqrt: return {g / (y * 2)};
    case MapOp::exp: return {g * y};
    case MapOp::expm1: return {g * (y + 1)};
    case MapOp::log: return {g / a};
    case MapOp::log1p: return {g / (a + 1)};
    case MapOp::sin: return {g * cos(a)};
    case MapOp::cos: return {-(g * sin(a))};
    case MapOp::sigmoid: return {g * (y * (1 - y))};
    case MapOp::tanh: return {g * (1 - y * y)};
    case MapOp::erf: return {g * (exp(-(a * a)) * (2 * std::numbers::inv_sqrtpi))};
    case MapOp::normal_cdf:
      return {g * (exp(a * a * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2))};
    case MapOp::add: return {g, g};
    case MapOp::sub: return {g, -g};
    case MapOp::mul: return {g * b, g * a};
    case MapOp::div: return {g / b, -(g / b * y)};
    // Equal values share the gradient by halves; a NaN gives it to both.
    case MapOp::maximum: {
      const Value shared = where(a == b, g * 0.5, g);
      return {where(a < b, 0, shared), where(a > b, 0, shared)};
    }
    case MapOp::minimum: {
      const Value shared = where(a == b, g * 0.5, g);
      return {where(a > b, 0, shared), where(a < b, 0, shared)};
    }
    case MapOp::pow:  // a^b log a is 0 where a is 0 and b >= 0
      return {g * where(b == 0, 0, b * pow(a, b - 1)), g * (y * log(where(a == 0 && b >= 0, 1, a)))};
    case MapOp::where:
      return {std::nullopt, where(Recorder::condition(a), g, 0), where(Recorder::condition(a), 0, g)};
    case MapOp::input:
    case MapOp::constant:
    case MapOp::sign:
    case MapOp::floor:
    case MapOp::ceil:
    case MapOp::round:
    case MapOp::trunc:
    case MapOp::logical_not:
    case MapOp::eq:
    case MapOp::ne:
    case MapOp::lt:
    case MapOp::le:
    case MapOp::gt:
    case MapOp::ge:
    case MapOp::logical_and:
    case MapOp::logical_or: return {};
  }
  return {};
}

}  // namespace

MapProgram detail::gradient_of(const MapProgram& program, std::span<const std::int32_t> wanted) {
  const auto at = [](std::int32_t i) { return static_cast<std::size_t>(i); };
  const auto is_wanted = [&](const MapStep& step) {
    return step.op == MapOp::input && std::ranges::find(wanted, step.from[0]) != wanted.end();
  };
  const auto results = static_cast<std::int32_t>(program.results.size());

  // The program again, and which of its values depend on an input whose gradient is wanted.
  Recorder recorder;
  std::vector<Value> values;
  std::vector<char> varies;
  values.reserve(program.steps.size());
  varies.reserve(program.steps.size());
  for (const MapStep& step : program.steps) {
    const auto operands = static_cast<std::size_t>(operand_count(step.op));
    if (operands == 0) {
      values.push_back(step.op == MapOp::input ? recorder.input(results + step.from[0]) : Value(step.number));
      varies.push_back(is_wanted(step) ? 1 : 0);
      continue;
    }
    std::array<Value, 3> from{0, 0, 0};
    bool any = false;
    for (std::size_t k = 0; k < operands; ++k) {
      from[k] = values[at(step.from[k])];
      any |= varies[at(step.from[k])] != 0;
    }
    values.push_back(Recorder::apply(step.op, std::span(from).first(operands)));
    varies.push_back(any ? 1 : 0);
  }

  // Backwards, from results to inputs.
  std::vector<std::optional<Value>> gradients(values.size());
  const auto add = [&](std::int32_t step, Value slope) {
    if (varies[at(step)] == 0) return;
    auto& sum = gradients[at(step)];
    sum = sum ? *sum + slope : slope;
  };
  for (std::int32_t i = 0; i < results; ++i) add(program.results[at(i)], recorder.input(i));
  for (std::size_t i = values.size(); i-- > 0;) {
    const MapStep& step = program.steps[i];
    const int operands = operand_count(step.op);
    if (!gradients[i] || operands == 0) continue;
    const auto operand = [&](int k) { return k < operands ? values[at(step.from[at(k)])] : Value(0); };
    const Slopes slopes = slopes_of(step.op, operand(0), operand(1), values[i], *gradients[i]);
    for (int k = 0; k < operands; ++k) {
      if (slopes[at(k)]) add(step.from[at(k)], *slopes[at(k)]);
    }
  }

  std::vector<Value> answers;
  for (const std::int32_t input : wanted) {
    Value answer = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const MapStep& step = program.steps[i];
      if (step.op == MapOp::input && step.from[0] == input && gradients[i]) answer = *gradients[i];
    }
    answers.push_back(answer);
  }
  return recorder.finish(answers);
}

}  // namespace mica
