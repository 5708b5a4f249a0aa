#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include <hwy/cache_control.h>

#include <mica/core/parallel.h>
#include <mica/kernels/copy.h>
#include <mica/kernels/loops.h>

namespace mica::kernels {
namespace {

// Below this many bytes of output, the caches may serve whoever reads it next.
constexpr std::int64_t stream_threshold = 16 << 20;
// Rows shorter than this have too many partly written lines.
constexpr std::int64_t stream_row_bytes = 2048;
constexpr std::int64_t line_bytes = 64;
// Lines of each column of a transposed block, next to each other in memory.
constexpr std::int64_t block_lines = 4;
// Buffers, measured: this much for a transposed block...
constexpr std::int64_t buffer_bytes = 32768;
// ... and for one row, so that those of all operands fit the first-level cache.
constexpr std::int64_t row_bytes = 8192;

// Operand 0 is the output, operands 1... are the inputs. Strides count bytes.
constexpr int max_operands = 1 + max_inputs;
struct Plan {
  int operands = 0;
  int rank = 0;  // at least 1; the last dimension is the row
  std::array<std::int64_t, max_dims> sizes;
  std::array<std::array<std::int64_t, max_operands>, max_dims> strides;
  std::array<std::byte*, max_operands> data;
  std::array<std::int64_t, max_operands> item_size;

  unsigned scalars = 0;     // inputs (bit 0: the first) that are one element per row
  unsigned buffered = 0;    // operands (bit 0: the output) that pass through a buffer
  unsigned transposed = 0;  // operands, of those buffered, that are dense along the rows of a block
  std::int64_t block_rows = 1;

  std::array<std::int64_t, max_operands>& row_strides() { return strides[at(rank - 1)]; }
  const std::array<std::int64_t, max_operands>& row_strides() const { return strides[at(rank - 1)]; }
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
};

constexpr bool has(unsigned bits, int i) { return ((bits >> i) & 1U) != 0; }

// For an output in row-major order whose inputs are too, or are one element: the bits of the latter. Else -1.
int flat_scalars(const Shape& sizes, std::span<const InputView> inputs, const OutputView& output) {
  std::int64_t expected = 1;
  unsigned dense = (1U << inputs.size()) - 1U;
  unsigned single = dense;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 1) continue;
    if (output.strides[i] != expected) return -1;
    for (unsigned k = 0; k < inputs.size(); ++k) {
      const std::int64_t stride = inputs[k].strides[i];
      if (stride != expected) dense &= ~(1U << k);
      if (stride != 0) single &= ~(1U << k);
    }
    expected *= sizes[i];
  }
  const unsigned all = (1U << inputs.size()) - 1U;
  return (dense | single) == all ? static_cast<int>(single & ~dense) : -1;
}

// Should dimension `a` be outside of `b`? The output decides, then the inputs in their order.
bool is_outer(const Plan& plan, int a, int b) {
  for (int k = 0; k < plan.operands; ++k) {
    const std::int64_t sa = std::abs(plan.strides[Plan::at(a)][Plan::at(k)]);
    const std::int64_t sb = std::abs(plan.strides[Plan::at(b)][Plan::at(k)]);
    if (sa != sb && sa != 0 && sb != 0) return sa > sb;
  }
  return a < b;
}

// Reorders dimensions from the largest stride to the smallest and merges neighbours that form one.
void sort_and_merge(Plan& plan) {
  for (int i = 1; i < plan.rank; ++i) {
    for (int j = i; j > 0 && !is_outer(plan, j - 1, j); --j) {
      std::swap(plan.sizes[Plan::at(j)], plan.sizes[Plan::at(j - 1)]);
      std::swap(plan.strides[Plan::at(j)], plan.strides[Plan::at(j - 1)]);
    }
  }
  int last = 0;
  for (int i = 1; i < plan.rank; ++i) {
    const std::int64_t size = plan.sizes[Plan::at(i)];
    const auto& inner = plan.strides[Plan::at(i)];
    auto& outer = plan.strides[Plan::at(last)];
    bool mergeable = true;
    for (int k = 0; k < plan.operands; ++k) {
      mergeable &= outer[Plan::at(k)] == inner[Plan::at(k)] * size;
    }
    if (mergeable) {
      plan.sizes[Plan::at(last)] *= size;
      outer = inner;
    } else {
      ++last;
      plan.sizes[Plan::at(last)] = size;
      plan.strides[Plan::at(last)] = inner;
    }
  }
  plan.rank = last + 1;
}

// Finds inputs that jump along the row but are dense along another dimension, and makes that dimension the
// rows of a block, so that each cache line is read once and used whole.
void find_transposes(Plan& plan) {
  if (plan.rank < 2 || plan.sizes[Plan::at(plan.rank - 1)] < 4) return;
  for (int k = 1; k < plan.operands; ++k) {
    if (!has(plan.buffered, k) || plan.row_strides()[Plan::at(k)] == 0) continue;
    const std::int64_t item = plan.item_size[Plan::at(k)];
    for (int i = plan.rank - 2; i >= 0; --i) {
      if (plan.strides[Plan::at(i)][Plan::at(k)] != item || plan.sizes[Plan::at(i)] < 4) continue;
      std::rotate(plan.sizes.begin() + i, plan.sizes.begin() + i + 1, plan.sizes.begin() + plan.rank - 1);
      std::rotate(plan.strides.begin() + i, plan.strides.begin() + i + 1,
                  plan.strides.begin() + plan.rank - 1);
      plan.block_rows = std::min(block_lines * line_bytes / item, plan.sizes[Plan::at(plan.rank - 2)]);
      for (int other = k; other < plan.operands; ++other) {
        const auto o = Plan::at(other);
        const bool dense = plan.strides[Plan::at(plan.rank - 2)][o] == plan.item_size[o];
        if (has(plan.buffered, other) && dense) plan.transposed |= 1U << other;
      }
      return;
    }
  }
}

Plan make_plan(const Shape& sizes, std::span<const InputView> inputs, const OutputView& output,
               const Pass& pass) {
  Plan plan;
  plan.operands = 1 + static_cast<int>(inputs.size());
  plan.data[0] = static_cast<std::byte*>(output.data);
  plan.item_size[0] = output.item_size;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    plan.data[k + 1] = static_cast<std::byte*>(const_cast<void*>(inputs[k].data));  // only ever read
    plan.item_size[k + 1] = inputs[k].item_size;
  }
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1) continue;
    auto& strides = plan.strides[Plan::at(plan.rank)];
    plan.sizes[Plan::at(plan.rank++)] = sizes[i];
    strides[0] = output.strides[i] * output.item_size;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      strides[k + 1] = inputs[k].strides[i] * inputs[k].item_size;
  }
  if (plan.rank == 0) {
    plan.sizes[0] = plan.rank = 1;
    plan.strides[0] = plan.item_size;
  }
  sort_and_merge(plan);

  const auto& row = plan.row_strides();
  for (int k = 1; k < plan.operands; ++k) {
    if (row[Plan::at(k)] == 0 && has(pass.scalars_allowed, k - 1)) plan.scalars |= 1U << (k - 1);
  }
  if (plan.scalars == (1U << inputs.size()) - 1U) plan.scalars &= plan.scalars - 1U;
  for (int k = 0; k < plan.operands; ++k) {
    const bool scalar = k > 0 && has(plan.scalars, k - 1);
    if (row[Plan::at(k)] != plan.item_size[Plan::at(k)] && !scalar) plan.buffered |= 1U << k;
  }
  find_transposes(plan);

  bool in_place = false;
  for (const InputView& input : inputs) in_place |= input.data == output.data;
  const bool large = sizes.numel() * output.item_size >= stream_threshold;
  const bool long_rows = plan.sizes[Plan::at(plan.rank - 1)] * output.item_size >= stream_row_bytes;
  if (large && long_rows && !in_place) plan.buffered |= 1U;
  return plan;
}

// A position among all dimensions but the row; the innermost one counts blocks of rows.
class Position {
 public:
  Position(const Plan& plan, std::int64_t block) : plan_(plan), pointers_(plan.data) {
    for (int i = plan.rank - 2; i >= 0; --i) {
      const std::int64_t count = blocks_along(i);
      index_[Plan::at(i)] = block % count;
      block /= count;
      advance(i, index_[Plan::at(i)]);
    }
  }

  void next() {
    for (int i = plan_.rank - 2; i >= 0; --i) {
      advance(i, 1);
      if (++index_[Plan::at(i)] < blocks_along(i)) return;
      advance(i, -index_[Plan::at(i)]);
      index_[Plan::at(i)] = 0;
    }
  }

  const std::array<std::byte*, max_operands>& pointers() const { return pointers_; }
  std::int64_t rows() const {
    if (plan_.block_rows == 1) return 1;
    const int i = plan_.rank - 2;
    return std::min(plan_.block_rows, plan_.sizes[Plan::at(i)] - index_[Plan::at(i)] * plan_.block_rows);
  }
  static std::int64_t count(const Plan& plan) {
    std::int64_t n = 1;
    for (int i = 0; i < plan.rank - 1; ++i) n *= blocks_along(plan, i);
    return n;
  }

 private:
  static std::int64_t rows_along(const Plan& plan, int i) { return i == plan.rank - 2 ? plan.block_rows : 1; }
  static std::int64_t blocks_along(const Plan& plan, int i) {
    const std::int64_t rows = rows_along(plan, i);
    return (plan.sizes[Plan::at(i)] + rows - 1) / rows;
  }
  std::int64_t blocks_along(int i) const { return blocks_along(plan_, i); }
  void advance(int i, std::int64_t steps) {
    steps *= rows_along(plan_, i);
    for (int k = 0; k < plan_.operands; ++k) {
      pointers_[Plan::at(k)] += steps * plan_.strides[Plan::at(i)][Plan::at(k)];
    }
  }

  const Plan& plan_;
  std::array<std::byte*, max_operands> pointers_;
  std::array<std::int64_t, max_dims> index_;
};

// Computes columns [first, last) of a block of rows.
void run_block(const Plan& plan, const Pass& pass, const Position& position, std::int64_t first,
               std::int64_t last) {
  const std::int64_t rows = position.rows();
  const auto& column_strides = plan.row_strides();
  const auto* block_strides = plan.rank > 1 ? &plan.strides[Plan::at(plan.rank - 2)] : nullptr;
  const auto operand_at = [&](int k, std::int64_t row, std::int64_t column) {
    const std::int64_t down = row == 0 ? 0 : row * (*block_strides)[Plan::at(k)];
    return position.pointers()[Plan::at(k)] + down + column * column_strides[Plan::at(k)];
  };
  Row call{.parameter = pass.parameter};
  call.scalars = plan.scalars;

  if (plan.buffered == 0) {
    call.out = operand_at(0, 0, first);
    for (int k = 1; k < plan.operands; ++k) call.in[Plan::at(k - 1)] = operand_at(k, 0, first);
    call.count = last - first;
    return pass.kernel(call);
  }

  alignas(line_bytes) std::byte buffers[max_operands][buffer_bytes];
  std::int64_t width = last - first;  // columns at a time
  for (int k = 0; k < plan.operands; ++k) {
    const std::int64_t row = has(plan.transposed, k) ? buffer_bytes / plan.block_rows : row_bytes;
    if (has(plan.buffered, k)) width = std::min(width, row / plan.item_size[Plan::at(k)]);
  }
  for (std::int64_t column = first; column < last; column += width) {
    call.count = std::min(width, last - column);
    for (int k = 1; k < plan.operands; ++k) {
      if (!has(plan.transposed, k)) continue;
      const std::int64_t item = plan.item_size[Plan::at(k)];
      copy_transposed(buffers[k], width * item, operand_at(k, 0, column), column_strides[Plan::at(k)], rows,
                      call.count, item);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      for (int k = 1; k < plan.operands; ++k) {
        const std::int64_t item = plan.item_size[Plan::at(k)];
        const std::byte* source = operand_at(k, row, column);
        if (has(plan.transposed, k)) {
          source = buffers[k] + row * width * item;
        } else if (has(plan.buffered, k)) {
          copy_strided(buffers[k], item, source, column_strides[Plan::at(k)], call.count, item);
          source = buffers[k];
        }
        call.in[Plan::at(k - 1)] = source;
      }
      std::byte* out = operand_at(0, row, column);
      if (!has(plan.buffered, 0)) {
        call.out = out;
        pass.kernel(call);
        continue;
      }
      const auto* results = static_cast<const std::byte*>(call.in[0]);
      if (!pass.is_copy) {
        call.out = buffers[0];
        pass.kernel(call);
        results = buffers[0];
      }
      const std::int64_t item = plan.item_size[0];
      if (column_strides[0] == item) {
        stream_copy(out, results, call.count * item);
      } else {
        copy_strided(out, column_strides[0], results, item, call.count, item);
      }
    }
  }
}

}  // namespace

void for_each_row(const Shape& sizes, std::span<const InputView> inputs, const OutputView& output,
                  const Pass& pass) {
  const std::int64_t total = sizes.numel();
  if (total == 0) return;
  if (total <= pass.grain) {
    const int scalars = flat_scalars(sizes, inputs, output);
    const unsigned all = (1U << inputs.size()) - 1U;
    if (scalars == 0 || (scalars > 0 && (static_cast<unsigned>(scalars) & ~pass.scalars_allowed) == 0 &&
                         static_cast<unsigned>(scalars) != all)) {
      Row row{.out = output.data, .count = total, .parameter = pass.parameter};
      for (std::size_t k = 0; k < inputs.size(); ++k) row.in[k] = inputs[k].data;
      row.scalars = static_cast<unsigned>(scalars);
      return pass.kernel(row);
    }
  }

  const Plan plan = make_plan(sizes, inputs, output, pass);
  const std::int64_t columns = plan.sizes[Plan::at(plan.rank - 1)];
  const std::int64_t blocks = Position::count(plan);
  // The range counts columns of all blocks, so that one long row splits as well as many short ones.
  const std::int64_t grain = std::max<std::int64_t>(1, pass.grain / plan.block_rows);
  parallel_for(0, blocks * columns, grain, [&](std::int64_t first, std::int64_t last) {
    Position position(plan, first / columns);
    std::int64_t column = first % columns;
    while (first < last) {
      const std::int64_t count = std::min(columns - column, last - first);
      run_block(plan, pass, position, column, column + count);
      position.next();
      column = 0;
      first += count;
    }
    // Streaming stores are weakly ordered: publish them before another thread may look.
    if (has(plan.buffered, 0)) hwy::FlushStream();
  });
}

}  // namespace mica::kernels
