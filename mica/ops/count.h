// Counting: histograms, distinct values, places in sorted sequences. Results are i64 and have no gradient,
// unless it says so.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// How many elements are not 0.
Tensor count_nonzero(const Tensor& x, const Shape& dims = {});

// How often 0, 1, 2... occur in x (n), up to the largest or minlength - 1. With weights (n) the sums of
// theirs, in f64 unless they are f32, and gradients flow to them. Errors: x is no vector of integers
// that are at least 0.
Tensor bincount(const Tensor& x, const Tensor& weights = {}, std::int64_t minlength = 0);

// The counts of x's elements in `bins` equal parts of [min, max], in x's dtype; others are not counted. Where
// min equals max, the range is that of the elements. Errors: not floating point; the range is not finite.
struct HistcOptions {
  std::int64_t bins = 100;
  double min = 0, max = 0;
};
Tensor histc(const Tensor& x, const HistcOptions& options = {});

// Where values would have to be inserted to keep the rows of `sorted` in order: before equal elements, or
// behind them if `right`. Shapes: sorted (..., n) and values (..., m), or sorted (n) and values of any shape.
// Errors: dtypes that differ.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
Tensor searchsorted(const Tensor& sorted, Scalar value, bool right = false);
// The same with the operands exchanged, for boundaries (n).
Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right = false);

struct UniqueOptions {
  bool return_inverse = false;
  bool return_counts = false;
};
struct Unique {
  Tensor values;   // (n)
  Tensor inverse;  // like x: where each element is among the values; undefined unless asked for
  Tensor counts;   // (n): how often each occurs; undefined unless asked for
};
// The distinct elements in ascending order; every NaN is one.
Unique unique(const Tensor& x, const UniqueOptions& options = {});
// One of each run of equal elements that follow each other.
Unique unique_consecutive(const Tensor& x, const UniqueOptions& options = {});

}  // namespace mica
