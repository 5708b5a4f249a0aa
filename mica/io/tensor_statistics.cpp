#include <algorithm>
#include <cmath>
#include <limits>

#include <mica/autograd/grad_mode.h>
#include <mica/io/tensor_statistics.h>

namespace mica::io {

namespace {

template <class T> double number(T value) {
  if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
    return static_cast<double>(static_cast<float>(value));
  else
    return static_cast<double>(value);
}

template <class T> TensorStatistics of(std::span<T> values, std::size_t bins) {
  TensorStatistics s;
  s.count = static_cast<std::int64_t>(values.size());
  s.min = std::numeric_limits<double>::infinity();
  s.max = -s.min;
  double sum = 0;
  for (const T value : values) {
    const double x = number(value);
    if (!std::isfinite(x)) {
      ++s.non_finite;
      continue;
    }
    s.zeros += x == 0;
    s.min = std::min(s.min, x);
    s.max = std::max(s.max, x);
    sum += x;
  }
  const std::int64_t finite = s.count - s.non_finite;
  if (finite == 0) {
    s.mean = s.std = s.min = s.max = std::numeric_limits<double>::quiet_NaN();
    return s;
  }
  s.mean = sum / static_cast<double>(finite);
  s.histogram.assign(bins, 0);
  // Halves, since the distance of two large numbers may overflow.
  const double low = s.min / 2, width = s.max / 2 - low;
  const double middle = static_cast<double>(bins) / 2;  // for equal numbers
  double squares = 0;
  for (const T value : values) {
    const double x = number(value);
    if (!std::isfinite(x)) continue;
    squares += (x - s.mean) * (x - s.mean);
    const double place = width > 0 ? (x / 2 - low) / width * static_cast<double>(bins) : middle;
    ++s.histogram[std::min(static_cast<std::size_t>(place), bins - 1)];
  }
  s.std = finite > 1 ? std::sqrt(squares / static_cast<double>(finite - 1)) : 0;
  return s;
}

}  // namespace

TensorStatistics statistics_of(const Tensor& x, std::size_t bins) {
  const NoGrad no_grad;
  const Tensor dense = x.detach().contiguous();
  return dispatch(x.dtype(), [&]<class T>() { return of(dense.data<T>(), bins); });
}

}  // namespace mica::io
