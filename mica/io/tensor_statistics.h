// What the numbers of a tensor are like.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica::io {

struct TensorStatistics {
  std::int64_t count = 0, zeros = 0;
  std::int64_t non_finite = 0;  // NaN and infinities; the rest of this struct is about the other elements
  double mean = 0, std = 0, min = 0,
         max = 0;                       // NaN if there are none; std with Bessel's correction, 0 for one
  std::vector<std::int64_t> histogram;  // equal parts from min to max; empty if there are none
};

// Of a tensor of any dtype and strides, in two passes. `bins`: at least 1.
TensorStatistics statistics_of(const Tensor& x, std::size_t bins);

}  // namespace mica::io
