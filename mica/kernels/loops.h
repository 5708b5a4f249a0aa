// Internal to the kernels: how an elementwise operation walks strided memory. An operation supplies one
// function, which computes a dense row; everything about dimensions, strides, threads and cache lives here.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <mica/core/shape.h>

namespace mica::kernels {

inline constexpr int max_inputs = 3;

// A dense run of results: out[i] from in[0][i], in[1][i]... for i < count. An input whose bit is set in
// `scalars` is a single element that stands for all of them.
struct Row {
  void* out = nullptr;
  std::array<const void*, max_inputs> in{};
  std::int64_t count = 0;
  unsigned scalars = 0;
  double parameter = 0;  // whatever the operation wants it to be
};
using RowKernel = void (*)(const Row&);

struct InputView {
  const void* data;
  const Shape& strides;
  std::int64_t item_size;
};
struct OutputView {
  void* data;
  const Shape& strides;
  std::int64_t item_size;
};

// One pass over memory.
struct Pass {
  RowKernel kernel;
  std::int64_t grain = cheap_grain;  // a pass of fewer elements stays on the calling thread
  unsigned scalars_allowed = 0;      // inputs the kernel takes as a scalar, as long as another one is not
  double parameter = 0;
  bool is_copy = false;  // the kernel copies its one input: where a buffer is involved, it is left out

  static constexpr std::int64_t cheap_grain = 32768;  // as long as a wake-up of the other threads takes
  static constexpr std::int64_t costly_grain = 4096;  // for exp and the like
};

// Covers `sizes` with rows. Dimensions are reordered to follow the output in memory and merged where every
// operand allows it, so anything dense (contiguous, channels-last...) is a single row. Operands that are not
// dense along a row pass through small buffers; inputs that are dense along another dimension (transposes)
// are read in blocks of whole cache lines. Large outputs are written around the caches.
void for_each_row(const Shape& sizes, std::span<const InputView> inputs, const OutputView& output,
                  const Pass& pass);

inline void for_each_row(const Shape& sizes, std::initializer_list<InputView> inputs,
                         const OutputView& output, const Pass& pass) {
  for_each_row(sizes, std::span<const InputView>(inputs.begin(), inputs.size()), output, pass);
}

}  // namespace mica::kernels
