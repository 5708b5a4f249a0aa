#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/reduce.h>
#include <mica/kernels/reduce_rows.h>

namespace mica::kernels {
namespace {

constexpr std::int64_t parallel_grain = 32768;  // fewer elements stay on the calling thread

// A dimension, with strides in elements; `out` is 0 for reduced dimensions.
struct Dim {
  std::int64_t size, in, out;
  bool reduced;
};

// Up to eight dimensions, outermost first.
struct Dims {
  std::array<Dim, max_dims> items;
  int count = 0;

  void push(const Dim& dim) { items[static_cast<std::size_t>(count++)] = dim; }
  Dim& operator[](int i) { return items[static_cast<std::size_t>(i)]; }
  const Dim& operator[](int i) const { return items[static_cast<std::size_t>(i)]; }
  Dim pop() { return items[static_cast<std::size_t>(--count)]; }
  std::int64_t numel() const {
    std::int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= (*this)[i].size;
    return n;
  }
  // The offset of an element, by its number in row-major order.
  std::int64_t in_offset(std::int64_t index) const { return offset(index, &Dim::in); }
  std::int64_t out_offset(std::int64_t index) const { return offset(index, &Dim::out); }

 private:
  std::int64_t offset(std::int64_t index, std::int64_t Dim::* stride) const {
    std::int64_t sum = 0;
    for (int i = count - 1; i > 0; --i) {
      sum += index % (*this)[i].size * ((*this)[i].*stride);
      index /= (*this)[i].size;
    }
    return count > 0 ? sum + index * (items[0].*stride) : sum;
  }
};

// Dimensions in the order of the input's memory, merged where they follow each other.
Dims memory_order(const Shape& sizes, const Shape& strides, std::uint32_t reduced_dims) {
  Dims dims;
  std::int64_t out_stride = 1;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    const bool reduced = ((reduced_dims >> i) & 1U) != 0;
    if (sizes[i] != 1) dims.push({sizes[i], strides[i], reduced ? 0 : out_stride, reduced});
    if (!reduced) out_stride *= sizes[i];
  }
  std::reverse(dims.items.begin(), dims.items.begin() + dims.count);
  const auto outer_first = [](const Dim& a, const Dim& b) {
    if (a.in == 0 || b.in == 0) return a.in == 0 && b.in != 0;  // repeated rows: outermost
    return std::abs(a.in) > std::abs(b.in);
  };
  std::sort(dims.items.begin(), dims.items.begin() + dims.count, outer_first);

  Dims merged;
  for (int i = 0; i < dims.count; ++i) {
    const Dim& inner = dims[i];
    if (merged.count > 0) {
      Dim& outer = merged[merged.count - 1];
      if (outer.reduced == inner.reduced && outer.in == inner.in * inner.size &&
          outer.out == inner.out * inner.size) {
        outer = {outer.size * inner.size, inner.in, inner.out, inner.reduced};
        continue;
      }
    }
    merged.push(inner);
  }
  return merged;
}

// One reduction, taken apart: for each output of `kept`, fold over `outer` and then `rows`. When the
// innermost dimension of the input is reduced, each row folds into one total. When it is kept, it forms the
// `columns` (1 to Reducer::max_columns totals side by side, in panels), and a row adds to all of them.
struct Plan {
  Reducer op;
  const std::byte* data;
  std::int64_t item;
  Dims kept, outer;
  Dim row{1, 1, 0, true};
  Dim columns{1, 1, 1, false};
  bool column_wise = false;

  const std::byte* at(std::int64_t offset) const { return data + offset * item; }
};

Plan make_plan(const Reducer& op, DType dtype, const Shape& sizes, const In& x, std::uint32_t reduced_dims) {
  Plan plan{.op = op,
            .data = static_cast<const std::byte*>(x.data),
            .item = static_cast<std::int64_t>(item_size(dtype)),
            .kept = {},
            .outer = {}};
  Dims dims = memory_order(sizes, x.strides, reduced_dims);
  if (dims.count > 0 && !dims[dims.count - 1].reduced) {
    plan.column_wise = true;
    plan.columns = dims.pop();
  }
  for (int i = 0; i < dims.count; ++i) (dims[i].reduced ? plan.outer : plan.kept).push(dims[i]);
  if (plan.outer.count > 0) plan.row = plan.outer.pop();
  return plan;
}

// Copies `count` items a stride apart next to each other.
void gather(const std::byte* from, std::int64_t stride, std::int64_t count, std::int64_t item,
            std::byte* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * item, from + i * stride * item, static_cast<std::size_t>(item));
  }
}

constexpr std::int64_t gathered = 512;  // items at a time
using GatherBuffer = std::array<std::byte, gathered * sizeof(double)>;

// Folds `count` items a stride apart into one total.
void fold_row(const Plan& plan, const std::byte* x, std::int64_t count, Total* total) {
  if (plan.row.in == 1) return plan.op.row(x, count, total);
  GatherBuffer buffer;
  for (std::int64_t i = 0; i < count; i += gathered) {
    const std::int64_t n = std::min(gathered, count - i);
    gather(x + i * plan.row.in * plan.item, plan.row.in, n, plan.item, buffer.data());
    plan.op.row(buffer.data(), n, total);
  }
}

// Folds `rows` rows into `count` totals.
void fold_rows(const Plan& plan, const std::byte* x, std::int64_t rows, std::int64_t count, Total* totals) {
  const std::int64_t stride = plan.row.in;
  if (plan.columns.in != 1) {
    GatherBuffer buffer;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < count; i += gathered) {
        const std::int64_t n = std::min(gathered, count - i);
        gather(x + (r * stride + i * plan.columns.in) * plan.item, plan.columns.in, n, plan.item,
               buffer.data());
        plan.op.columns(buffer.data(), n, 1, n, totals + i);
      }
    }
    return;
  }
  // Narrow rows without gaps: take several as one wide row, then fold its parts.
  const std::int64_t together = Reducer::max_columns / count;
  if (stride == count && together >= 4 && rows >= 2 * together) {
    std::array<Total, Reducer::max_columns> wide;
    plan.op.start(wide.data(), together * count);
    plan.op.columns(x, together * count, rows / together, together * count, wide.data());
    for (std::int64_t i = 0; i < together; ++i) plan.op.merge(totals, wide.data() + i * count, count);
    const std::int64_t done = rows / together * together;
    x += done * stride * plan.item;
    rows -= done;
  }
  plan.op.columns(x, stride, rows, count, totals);
}

// Folds the elements first..last of the reduced ones of an output (or of a panel of columns) into its totals.
void fold_range(const Plan& plan, std::int64_t offset, std::int64_t first, std::int64_t last,
                std::int64_t columns, Total* totals) {
  while (first < last) {
    const std::int64_t start = first % plan.row.size;
    const std::int64_t count = std::min(plan.row.size - start, last - first);
    const std::byte* x = plan.at(offset + plan.outer.in_offset(first / plan.row.size) + start * plan.row.in);
    if (plan.column_wise) {
      fold_rows(plan, x, count, columns, totals);
    } else {
      fold_row(plan, x, count, totals);
    }
    first += count;
  }
}

[[noreturn]] void undefined(const char* operation, DType dtype) {
  throw Error(operation, fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
}

}  // namespace

void reduce(Reduce op, DType dtype, const Shape& sizes, const In& x, std::uint32_t dims, void* out) {
  const Reducer functions = reducer(op, dtype);
  if (functions.row == nullptr) undefined("reduce", dtype);
  const Plan plan = make_plan(functions, dtype, sizes, x, dims);
  const bool widened = (op == Reduce::sum || op == Reduce::prod) && !is_floating_point(dtype);
  const std::int64_t out_item = widened ? 8 : plan.item;

  const std::int64_t reduced = plan.outer.numel() * plan.row.size;
  const std::int64_t panel_width = std::min(plan.columns.size, Reducer::max_columns);
  if (plan.kept.numel() * panel_width == 0) return;
  const std::int64_t panels = (plan.columns.size + panel_width - 1) / panel_width;
  const std::int64_t units =
      plan.kept.numel() * panels;  // independent results, each of up to panel_width totals

  // Too few of them to go round: split what each one reduces, too.
  const std::int64_t threads = num_threads();
  const bool split = threads > 1 && units < 4 * threads && units * panel_width * reduced > parallel_grain;
  const std::int64_t parts = split ? std::clamp<std::int64_t>(reduced / 64, 1, threads) : 1;

  const auto width_of = [&](std::int64_t unit) {
    return std::min(panel_width, plan.columns.size - unit % panels * panel_width);
  };
  const auto fold_part = [&](std::int64_t unit, std::int64_t part, Total* totals) {
    const std::int64_t width = width_of(unit);
    plan.op.start(totals, width);
    const std::int64_t offset =
        plan.kept.in_offset(unit / panels) + unit % panels * panel_width * plan.columns.in;
    fold_range(plan, offset, reduced * part / parts, reduced * (part + 1) / parts, width, totals);
  };
  const auto finish = [&](std::int64_t unit, const Total* totals) {
    const std::int64_t offset =
        plan.kept.out_offset(unit / panels) + unit % panels * panel_width * plan.columns.out;
    plan.op.finish(totals, width_of(unit), static_cast<std::byte*>(out) + offset * out_item,
                   plan.columns.out);
  };

  const std::int64_t work = std::max<std::int64_t>(1, panel_width * (reduced / parts));
  const std::int64_t grain = std::max<std::int64_t>(1, parallel_grain / work);
  if (parts == 1) {
    parallel_for(0, units, grain, [&](std::int64_t first, std::int64_t last) {
      std::array<Total, Reducer::max_columns> totals;
      for (std::int64_t unit = first; unit < last; ++unit) {
        fold_part(unit, 0, totals.data());
        finish(unit, totals.data());
      }
    });
    return;
  }
  std::vector<Total> totals(static_cast<std::size_t>(units * parts * panel_width));
  const auto totals_of = [&](std::int64_t task) { return totals.data() + task * panel_width; };
  parallel_for(0, units * parts, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task)
      fold_part(task / parts, task % parts, totals_of(task));
  });
  for (std::int64_t unit = 0; unit < units; ++unit) {
    Total* sum = totals_of(unit * parts);
    for (std::int64_t part = 1; part < parts; ++part) {
      plan.op.merge(sum, totals_of(unit * parts + part), width_of(unit));
    }
    finish(unit, sum);
  }
}

namespace {

// Where an extremum is, and its value. Position -1: not looked yet.
struct Best {
  Total value;
  std::int64_t position = -1;
};

// The extremum of `count` items a stride apart; positions start at `first`.
Best best_of_row(const Reducer& op, const ArgReducer& arg, const std::byte* x, std::int64_t stride,
                 std::int64_t first, std::int64_t count, std::int64_t item) {
  constexpr std::int64_t block = 4096;
  Best best;
  GatherBuffer buffer;
  const std::int64_t step = stride == 1 ? block : gathered;
  for (std::int64_t i = 0; i < count; i += step) {
    const std::int64_t n = std::min(step, count - i);
    const std::byte* data = x + i * stride * item;
    if (stride != 1) {
      gather(data, stride, n, item, buffer.data());
      data = buffer.data();
    }
    // Values first, at full speed; a block is searched only when it holds something better.
    Total value;
    op.start(&value, 1);
    op.row(data, n, &value);
    if (best.position < 0 || arg.ahead(value, best.value))
      best = {value, first + i + arg.find(data, n, value)};
  }
  return best;
}

}  // namespace

void arg_reduce(bool largest, DType dtype, const Shape& sizes, const In& x, int dim, void* values,
                std::int64_t* indices) {
  const Reducer op = reducer(largest ? Reduce::max : Reduce::min, dtype);
  const ArgReducer arg = arg_reducer(largest, dtype);
  if (arg.find == nullptr) undefined("arg_reduce", dtype);
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  const auto* data = static_cast<const std::byte*>(x.data);
  auto* out = static_cast<std::byte*>(values);
  const std::int64_t length = sizes.empty() ? 1 : sizes[dim];
  const std::int64_t stride = sizes.empty() ? 1 : x.strides[dim];

  Dims kept = memory_order(sizes, x.strides, 1U << dim);
  for (int i = 0; i < kept.count; ++i) {
    if (!kept[i].reduced) continue;
    std::copy(kept.items.begin() + i + 1, kept.items.begin() + kept.count, kept.items.begin() + i);
    kept.pop();
  }
  const std::int64_t outputs = kept.numel();
  if (outputs == 0) return;

  if (kept.count > 0 && kept[kept.count - 1].in == 1 && kept[kept.count - 1].size >= 8) {
    // Outputs side by side in memory: go down many columns at once.
    const Dim columns = kept.pop();
    constexpr std::int64_t width = 256;
    const std::int64_t panels = (columns.size + width - 1) / width;
    const std::int64_t grain =
        std::max<std::int64_t>(1, parallel_grain / (std::min(width, columns.size) * length));
    parallel_for(0, kept.numel() * panels, grain, [&](std::int64_t first, std::int64_t last) {
      alignas(64) std::array<std::byte, width * sizeof(double)> best;
      std::array<std::int64_t, width> positions;
      for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t begin = unit % panels * width;
        const std::int64_t count = std::min(width, columns.size - begin);
        const std::byte* from = data + (kept.in_offset(unit / panels) + begin) * item;
        arg.columns(from, stride, 0, length, count, best.data(), positions.data());
        const std::int64_t to = kept.out_offset(unit / panels) + begin * columns.out;
        for (std::int64_t i = 0; i < count; ++i) {
          const std::int64_t at = to + i * columns.out;
          indices[at] = positions[static_cast<std::size_t>(i)];
          if (out != nullptr)
            std::memcpy(out + at * item, best.data() + i * item, static_cast<std::size_t>(item));
        }
      }
    });
    return;
  }

  const std::int64_t threads = num_threads();
  const bool split = outputs < threads && outputs * length > parallel_grain;
  const std::int64_t parts = split ? threads : 1;
  std::vector<Best> best(static_cast<std::size_t>(outputs * parts));
  const std::int64_t grain =
      std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, length / parts));
  parallel_for(0, outputs * parts, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t begin = length * (task % parts) / parts;
      const std::int64_t end = length * (task % parts + 1) / parts;
      const std::byte* from = data + (kept.in_offset(task / parts) + begin * stride) * item;
      best[static_cast<std::size_t>(task)] = best_of_row(op, arg, from, stride, begin, end - begin, item);
    }
  });
  for (std::int64_t output = 0; output < outputs; ++output) {
    Best found = best[static_cast<std::size_t>(output * parts)];
    for (std::int64_t part = 1; part < parts; ++part) {
      const Best& other = best[static_cast<std::size_t>(output * parts + part)];
      if (arg.ahead(other.value, found.value)) found = other;
    }
    const std::int64_t at = kept.out_offset(output);
    indices[at] = found.position;
    if (out != nullptr) {
      const std::byte* from = data + (kept.in_offset(output) + found.position * stride) * item;
      std::memcpy(out + at * item, from, static_cast<std::size_t>(item));
    }
  }
}

}  // namespace mica::kernels
