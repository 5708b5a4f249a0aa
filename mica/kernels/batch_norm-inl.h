// Batch norm where channels are the fastest dimension. Compiled once for each Highway target.
#if defined(MICA_KERNELS_BATCH_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_BATCH_NORM_INL_H_
#undef MICA_KERNELS_BATCH_NORM_INL_H_
#else
#define MICA_KERNELS_BATCH_NORM_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <mica/core/parallel.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/norm.h>
#include <mica/kernels/scratch.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {

// (batch * spatial, channels) read as rows of `repeat` pixels, so that few channels still fill vectors. The
// last row may be shorter. Rows are taken in blocks; each block adds up its own partial sums, and these are
// combined in order: the result depends on the shape only, not on the number of threads.
struct WideRows {
  explicit WideRows(const BatchNormShape& s)
      : channels(s.channels),
        repeat(channels > 0 ? (128 + channels - 1) / channels : 1),
        width(repeat * channels),
        total(s.batch * s.spatial * channels),
        rows(width > 0 ? (total + width - 1) / width : 0),
        block_rows(std::clamp<std::int64_t>(rows / 16, 8, 64)),
        blocks((rows + block_rows - 1) / block_rows) {}

  std::int64_t length(std::int64_t row) const { return std::min(width, total - row * width); }
  std::int64_t first_row(std::int64_t block) const { return block * block_rows; }
  std::int64_t end_row(std::int64_t block) const { return std::min(rows, (block + 1) * block_rows); }
  std::int64_t grain(std::int64_t item_rows) const {
    return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(width * item_rows, 1));
  }

  // body(column, offset, access) for all vectors, in parallel.
  template <class T, class Body> void for_each(const Body& body) const {
    parallel_for(0, rows, grain(1), [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      for (std::int64_t row = first; row < last; ++row) {
        for_lanes<T>(length(row),
                     [&](std::int64_t j, auto access) HWY_ATTR { body(j, row * width + j, access); });
      }
    });
  }

  // body(block), in parallel.
  template <class Body> void for_blocks(const Body& body) const {
    parallel_for(0, blocks, grain(block_rows), [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      for (std::int64_t block = first; block < last; ++block) body(block);
    });
  }

  // result[c] = the sum of term(block, column, c) in double over the blocks and the columns of channel c.
  template <class Term> void sum_by_channel(double* result, const Term& term) const {
    const std::int64_t cost = std::max<std::int64_t>(blocks * repeat, 1);
    const std::int64_t channel_grain = std::max<std::int64_t>(64, 16384 / cost);
    parallel_for(0, channels, channel_grain, [&](std::int64_t begin, std::int64_t end) HWY_ATTR {
      std::fill(result + begin, result + end, 0.0);
      for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t columns = length(first_row(block));
        for (std::int64_t base = 0; base < columns; base += channels) {
          for (std::int64_t c = begin; c < end; ++c) result[c] += term(block, base + c, c);
        }
      }
    });
  }

  std::int64_t channels, repeat, width, total, rows, block_rows, blocks;
};

// One value for each channel, laid out along a wide row.
template <class T> class Repeated {
 public:
  template <class ValueOf> Repeated(const WideRows& rows, const ValueOf& value_of) : values_(rows.width) {
    for (std::int64_t c = 0; c < rows.channels; ++c) values_.data()[c] = value_of(c);
    for (std::int64_t j = rows.channels; j < rows.width; ++j)
      values_.data()[j] = values_.data()[j - rows.channels];
  }
  template <class Access> HWY_INLINE Vec<T> load(std::int64_t column, Access access) const {
    return access.load(Tag<T>(), values_.data() + column);
  }

 private:
  Scratch<T> values_;
};

// Two running sums for each block and column, at first zero.
template <class T> class PartialSums {
 public:
  explicit PartialSums(const WideRows& rows) : width_(rows.width), sums_(2 * rows.blocks * rows.width) {}
  T* first(std::int64_t block) const { return sums_.data() + 2 * block * width_; }
  T* second(std::int64_t block) const { return first(block) + width_; }
  void clear(std::int64_t block) const { std::fill_n(first(block), 2 * width_, T(0)); }

 private:
  std::int64_t width_;
  Scratch<T> sums_;
};

// One pass over x. Within a block the sums are those of v = x - pivot, the pivot being the block's first row:
// a value of the data itself, so at most sqrt(64) deviations from the block's mean, and the sum of squares
// about the mean, sum(v^2) + delta * (2 * sum(v) + count * delta) with delta = pivot - mean, loses little.
template <class T> void wide_stats(const WideRows& r, const T* x, T* mean, T* var) {
  const Tag<T> d;
  const PartialSums<T> sums(r);
  r.for_blocks([&](std::int64_t block) HWY_ATTR {
    sums.clear(block);
    const T* pivot = x + r.first_row(block) * r.width;
    T* sum = sums.first(block);
    T* squares = sums.second(block);
    for (std::int64_t row = r.first_row(block) + 1; row < r.end_row(block); ++row) {
      for_lanes<T>(r.length(row), [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> v = hn::Sub(access.load(d, x + row * r.width + j), access.load(d, pivot + j));
        access.store(hn::Add(access.load(d, sum + j), v), d, sum + j);
        access.store(hn::MulAdd(v, v, access.load(d, squares + j)), d, squares + j);
      });
    }
  });

  const auto count = [&](std::int64_t block, std::int64_t j) HWY_ATTR {
    const std::int64_t last = r.end_row(block) - 1;
    return static_cast<double>(last - r.first_row(block) + (j < r.length(last) ? 1 : 0));
  };
  const auto pivot = [&](std::int64_t block, std::int64_t j)
                         HWY_ATTR { return static_cast<double>(x[r.first_row(block) * r.width + j]); };
  const double values = r.channels > 0 ? static_cast<double>(r.total) / static_cast<double>(r.channels) : 0;
  const double scale = values > 0 ? 1 / values : 0;
  const Scratch<double> scratch(2 * r.channels);
  double* means = scratch.data();
  double* variances = means + r.channels;
  r.sum_by_channel(means, [&](std::int64_t block, std::int64_t j, std::int64_t) HWY_ATTR {
    return count(block, j) * pivot(block, j) + static_cast<double>(sums.first(block)[j]);
  });
  for (std::int64_t c = 0; c < r.channels; ++c) means[c] *= scale;
  r.sum_by_channel(variances, [&](std::int64_t block, std::int64_t j, std::int64_t c) HWY_ATTR {
    const double delta = pivot(block, j) - means[c];
    const double sum = static_cast<double>(sums.first(block)[j]);
    return static_cast<double>(sums.second(block)[j]) + delta * (2 * sum + count(block, j) * delta);
  });
  for (std::int64_t c = 0; c < r.channels; ++c) {
    mean[c] = static_cast<T>(means[c]);
    var[c] = static_cast<T>(std::max(variances[c] * scale, 0.0));
  }
}

// sum[c] = sum of grad, dot[c] = sum of grad * (x - mean).
template <class T>
void wide_grad_sums(const WideRows& r, const T* grad, const T* x, const Repeated<T>& means, double* sum,
                    double* dot) {
  const Tag<T> d;
  const PartialSums<T> sums(r);
  r.for_blocks([&](std::int64_t block) HWY_ATTR {
    sums.clear(block);
    T* block_sum = sums.first(block);
    T* block_dot = sums.second(block);
    for (std::int64_t row = r.first_row(block); row < r.end_row(block); ++row) {
      for_lanes<T>(r.length(row), [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> g = access.load(d, grad + row * r.width + j);
        const Vec<T> v = hn::Sub(access.load(d, x + row * r.width + j), means.load(j, access));
        access.store(hn::Add(access.load(d, block_sum + j), g), d, block_sum + j);
        access.store(hn::MulAdd(g, v, access.load(d, block_dot + j)), d, block_dot + j);
      });
    }
  });
  r.sum_by_channel(sum, [&](std::int64_t block, std::int64_t j, std::int64_t)
                            HWY_ATTR { return static_cast<double>(sums.first(block)[j]); });
  r.sum_by_channel(dot, [&](std::int64_t block, std::int64_t j, std::int64_t)
                            HWY_ATTR { return static_cast<double>(sums.second(block)[j]); });
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_BATCH_NORM_INL_H_
