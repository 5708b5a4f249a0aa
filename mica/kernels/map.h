// A small program of elementwise operations, run on every element in one pass over memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <mica/core/dtype.h>
#include <mica/core/shape.h>

namespace mica::kernels {

enum class MapOp : std::uint8_t {
  input,
  constant,
  // one operand
  neg,
  abs,
  sign,  // NaN gives 0
  floor,
  ceil,
  round,  // ties to even
  trunc,
  sqrt,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  sigmoid,
  tanh,
  erf,
  normal_cdf,   // the probability that a standard normal number is below x
  logical_not,  // of a condition
  // two operands
  add,
  sub,
  mul,
  div,
  maximum,  // maximum and minimum propagate NaN
  minimum,
  pow,
  eq,  // comparisons give conditions, which are for the logical operations and `where` only
  ne,
  lt,
  le,
  gt,
  ge,
  logical_and,  // of conditions
  logical_or,
  // three operands
  where,  // (condition, a, b)
};

constexpr int operand_count(MapOp op) {
  if (op <= MapOp::constant) return 0;
  if (op <= MapOp::logical_not) return 1;
  return op < MapOp::where ? 2 : 3;
}

// One value of a program.
struct MapStep {
  MapOp op;
  std::array<std::int32_t, 3> from{};  // the operands: earlier steps; of `input`, the number of the input
  double number = 0;                   // of `constant`
};

struct MapProgram {
  std::vector<MapStep> steps;
  std::vector<std::int32_t> results;  // the steps that are asked for
};

struct MapInput {
  const void* data;
  DType dtype;
  Shape strides;  // broadcast to the sizes: 0 where the input has one element for all
};
struct MapOutput {
  void* data;
  DType dtype;
};

// Computes every result of `program` for each position of `sizes`, in `type` (f32 or f64), converting inputs
// and results of other dtypes on the way. The outputs, one per result, fill memory without gaps and all have
// the strides `strides`. They alias no input, but for one that is the only output exactly.
void map(const MapProgram& program, DType type, const Shape& sizes, const Shape& strides,
         std::span<const MapInput> inputs, std::span<const MapOutput> outputs);

}  // namespace mica::kernels
