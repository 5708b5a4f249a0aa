#include <algorithm>

#include <mica/core/parallel.h>
#include <mica/kernels/band.h>
#include <mica/kernels/floating.h>

namespace mica::kernels {

Band transposed(const Band& band) {
  Band out{.columns = band.rows(), .first = {}, .begin = {0}, .weights = {}};
  out.first.reserve(static_cast<std::size_t>(band.columns));
  out.weights.reserve(band.weights.size());
  std::size_t from = 0;  // the first row that is not yet behind
  const auto end = [&](std::size_t row) { return band.first[row] + band.begin[row + 1] - band.begin[row]; };
  for (std::int64_t c = 0; c < band.columns; ++c) {
    while (from < band.first.size() && end(from) <= c) ++from;
    out.first.push_back(static_cast<std::int64_t>(from));
    for (std::size_t row = from; row < band.first.size() && band.first[row] <= c; ++row)
      out.weights.push_back(band.weights[static_cast<std::size_t>(band.begin[row] + c - band.first[row])]);
    out.begin.push_back(static_cast<std::int64_t>(out.weights.size()));
  }
  return out;
}

namespace {

template <class T> void product(const Band& band, std::int64_t batch, std::int64_t inner, const T* x, T* y) {
  const std::vector<T> weights(band.weights.begin(), band.weights.end());
  const std::int64_t rows = band.rows();
  const std::int64_t taps = rows == 0 ? 0 : static_cast<std::int64_t>(weights.size()) / rows + 1;
  const std::int64_t grain = 1 + (1 << 14) / (taps * std::max<std::int64_t>(inner, 1) + 1);
  parallel_for(0, batch * rows, grain, [&](std::int64_t begin, std::int64_t end) {
    // Counted along: a division for each row would take longer than its sum.
    std::int64_t image = begin / rows;
    auto row = static_cast<std::size_t>(begin % rows);
    const auto advance = [&] {
      if (++row < static_cast<std::size_t>(rows)) return;
      row = 0;
      ++image;
    };
    for (std::int64_t item = begin; item < end; ++item, advance()) {
      const T* w = weights.data() + band.begin[row];
      const std::int64_t count = band.begin[row + 1] - band.begin[row];
      const T* from = x + (image * band.columns + band.first[row]) * inner;
      T* to = y + item * inner;
      if (inner == 1) {
        T sum = 0;
        for (std::int64_t c = 0; c < count; ++c) sum += w[c] * from[c];
        *to = sum;
        continue;
      }
      std::fill_n(to, inner, T(0));
      for (std::int64_t c = 0; c < count; ++c) {
        const T weight = w[c];
        const T* column = from + c * inner;
        for (std::int64_t i = 0; i < inner; ++i) to[i] += weight * column[i];
      }
    }
  });
}

}  // namespace

void band_product(DType dtype, const Band& band, std::int64_t batch, std::int64_t inner, const void* x,
                  void* y) {
  dispatch_floating("band_product", dtype, [&]<class T>() {
    product(band, batch, inner, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

}  // namespace mica::kernels
