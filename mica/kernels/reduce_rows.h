// Internal to the reductions: what each of them does with dense memory, for one instruction set.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>
#include <mica/kernels/reduce.h>

namespace mica::kernels {

// A running total of any reduction. f32 totals are kept in f64, so that only short runs are summed in f32;
// integers (and bool) in 64 bits.
union Total {
  double real;
  std::int64_t integer;
};

struct Reducer {
  // totals[i] = the identity.
  void (*start)(Total* totals, std::int64_t count);
  // Folds x[0 .. count) into one total.
  void (*row)(const void* x, std::int64_t count, Total* total);
  // Folds x[r * row_stride + i] into totals[i], for each of the rows r. At most max_columns columns.
  void (*columns)(const void* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns,
                  Total* totals);
  // Folds others[i] into totals[i].
  void (*merge)(Total* totals, const Total* others, std::int64_t count);
  // out[i * out_stride] = totals[i], as the dtype of the result.
  void (*finish)(const Total* totals, std::int64_t count, void* out, std::int64_t out_stride);

  static constexpr std::int64_t max_columns = 1024;
};

// Finds extrema and where they are.
struct ArgReducer {
  // The first position of the extremum among x[0 .. count), count > 0; the first NaN if there is one.
  std::int64_t (*find)(const void* x, std::int64_t count, Total extremum);
  // Is `a` strictly ahead of `b`? NaN is ahead of every number.
  bool (*ahead)(Total a, Total b);
  // Folds row r, with position first_row + r, into values[i] and positions[i]; position -1 means none yet.
  void (*columns)(const void* x, std::int64_t row_stride, std::int64_t first_row, std::int64_t rows,
                  std::int64_t columns, void* values, std::int64_t* positions);
};

// Their `row` is null when the reduction is not defined for the dtype.
Reducer reducer(Reduce op, DType dtype);
ArgReducer arg_reducer(bool largest, DType dtype);

}  // namespace mica::kernels
