// Random arguments, sensible and absurd, for the operations that take positions, sizes and strides: each call
// refuses or yields the elements that a plain reference finds from indices, and nothing outside the tensor's
// memory is read or written.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

__extension__ using Wide = __int128;
using Ints = std::vector<std::int64_t>;
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t readable = 4096;  // larger results are not read element by element

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }
  // Mostly around low..high, sometimes far away.
  std::int64_t wild(std::int64_t low, std::int64_t high) {
    static const Ints far{lowest, lowest + 1, -(1LL << 32), 1LL << 61, 1LL << 62, highest - 1, highest};
    return one_in(8) ? far[static_cast<std::size_t>(between(0, 6))] : between(low, high);
  }
  Ints wild(std::int64_t count, std::int64_t low, std::int64_t high) {
    Ints values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(wild(low, high));
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

// Kept within 2^62 either side, far above any count: the next factor can't overflow it.
Wide product(const Ints& sizes) {
  constexpr Wide bound = Wide{1} << 62;
  Wide n = 1;
  for (const std::int64_t size : sizes) n = std::clamp(n * size, -bound, bound);
  return n;
}

// A shape is possible when its bytes can be counted, a size of 0 taken for 1.
bool possible(const Ints& sizes) {
  Ints extents = sizes;
  for (std::int64_t& n : extents) {
    if (n < 0) return false;
    n = std::max<std::int64_t>(n, 1);
  }
  return product(extents) <= highest / 8;
}

// The reference: numbers in row-major order.
struct Plain {
  Ints sizes;
  std::vector<double> values = {};

  std::int64_t rank() const { return static_cast<std::int64_t>(sizes.size()); }
  double at(const Ints& index) const {
    std::int64_t position = 0;
    for (std::size_t d = 0; d < sizes.size(); ++d) position = position * sizes[d] + index[d];
    return values.at(static_cast<std::size_t>(position));
  }
};

// The numbers that `value` gives for each index; none when they are too many to be read.
std::optional<Plain> filled(const Ints& sizes, const std::function<double(const Ints&)>& value) {
  if (!possible(sizes)) return std::nullopt;
  Plain y{sizes};
  const Wide count = product(sizes);
  if (count > readable) return y;
  Ints index(sizes.size(), 0);
  for (Wide i = 0; i < count; ++i) {
    y.values.push_back(value(index));
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
  return y;
}

std::optional<std::size_t> wrapped(std::int64_t dim, std::int64_t rank) {
  if (dim < -rank || dim >= rank) return std::nullopt;
  return static_cast<std::size_t>(dim < 0 ? dim + rank : dim);
}

// A tensor whose elements say where they lie, in the middle of memory that is not its own.
class Subject {
 public:
  explicit Subject(Draw& draw) {
    Ints sizes;
    for (std::int64_t rank = draw.between(0, 4); rank > 0; --rank)
      sizes.push_back(draw.between(draw.one_in(8) ? 0 : 1, 4));
    count_ = static_cast<std::int64_t>(product(sizes));
    memory_.assign(static_cast<std::size_t>(2 * margin + count_), guard);
    for (std::int64_t i = 0; i < count_; ++i)
      memory_[static_cast<std::size_t>(margin + i)] = static_cast<double>(i);
    x = from_blob(memory_.data() + margin, Shape(sizes), f64);
    plain = {sizes, {memory_.begin() + margin, memory_.end() - margin}};
    if (sizes.size() < 2 || !draw.one_in(2)) return;
    x = x.transpose(0, -1);
    const Plain straight = plain;
    std::swap(sizes.front(), sizes.back());
    plain = *filled(sizes, [&](Ints index) {
      std::swap(index.front(), index.back());
      return straight.at(index);
    });
  }

  std::int64_t count() const { return count_; }
  // The elements that differ from what was there at first; guards count too.
  std::set<double> changed() const {
    std::set<double> out;
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      const auto position = static_cast<std::int64_t>(i) - margin;
      const bool inside = position >= 0 && position < count_;
      if (memory_[i] != (inside ? static_cast<double>(position) : guard))
        out.insert(static_cast<double>(position));
    }
    return out;
  }

  Tensor x;
  Plain plain;

 private:
  static constexpr std::int64_t margin = 256;
  static constexpr double guard = -7;
  std::int64_t count_ = 0;
  std::vector<double> memory_;
};

struct Trial {
  std::string arguments;
  std::function<Tensor()> run;
  std::optional<Plain> expected;  // none: to be refused
  bool may_refuse = false;
};
using Operation = std::function<Trial(Draw&, const Subject&)>;

void expect_writes_stay_inside(Tensor y, const Subject& s, const Plain& expected) {
  const NoGrad no_grad;
  try {
    y.fill_(-1);
  } catch (const Error&) {  // elements that share memory are not written
    EXPECT_EQ(s.changed(), std::set<double>());
    return;
  }
  if (y.shares_storage(s.x))
    EXPECT_EQ(s.changed(), std::set<double>(expected.values.begin(), expected.values.end()));
  else
    EXPECT_EQ(s.changed(), std::set<double>());
}

void expect_trial(const Trial& trial, const Subject& s) {
  Tensor y;
  try {
    y = trial.run();
  } catch (const Error& e) {
    EXPECT_FALSE(e.operation().empty());
    EXPECT_TRUE(!trial.expected || trial.may_refuse) << e.what();
    EXPECT_EQ(s.changed(), std::set<double>());
    return;
  }
  ASSERT_TRUE(trial.expected) << "gave shape " << to_string(y.sizes());
  ASSERT_EQ(to_string(y.sizes()), to_string(Shape(trial.expected->sizes)));
  if (y.numel() > readable) return;
  ASSERT_EQ(y.to_vector<double>(), trial.expected->values);
  expect_writes_stay_inside(y, s, *trial.expected);
}

void expect_bounds(const char* name, const Operation& operation) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Draw draw(seed);
    const Subject subject(draw);
    const Trial trial = operation(draw, subject);
    SCOPED_TRACE(fmt::format("seed {}: {}({}) of shape {} with strides {}", seed, name, trial.arguments,
                             to_string(subject.x.sizes()), to_string(subject.x.strides())));
    expect_trial(trial, subject);
    if (testing::Test::HasFailure()) return;
  }
}

// ---- views ----

std::optional<Plain> selected(const Plain& x, std::int64_t dim, std::int64_t i) {
  const auto d = wrapped(dim, x.rank());
  if (!d || i < -x.sizes[*d] || i >= x.sizes[*d]) return std::nullopt;
  Ints sizes = x.sizes;
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(*d));
  return filled(sizes, [&](Ints index) {
    index.insert(index.begin() + static_cast<std::ptrdiff_t>(*d), i < 0 ? i + x.sizes[*d] : i);
    return x.at(index);
  });
}

// `length` elements of a dimension from `first` on, `step` apart.
Plain stepped(const Plain& x, std::size_t d, std::int64_t first, std::int64_t length, std::int64_t step) {
  Ints sizes = x.sizes;
  sizes[d] = length;
  return *filled(sizes, [&](Ints index) {
    index[d] = first + index[d] * step;
    return x.at(index);
  });
}

TEST(Bounds, OfSelect) {
  expect_bounds("select", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t dim = draw.wild(-4, 4);
    const std::int64_t i = draw.wild(-4, 4);
    return {fmt::format("{}, {}", dim, i), [=, &s] { return s.x.select(dim, i); }, selected(s.plain, dim, i)};
  });
}

TEST(Bounds, OfNarrow) {
  expect_bounds("narrow", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t dim = draw.wild(-3, 3);
    const std::int64_t start = draw.wild(-4, 4);
    const std::int64_t length = draw.wild(-1, 4);
    std::optional<Plain> expected;
    if (const auto d = wrapped(dim, s.plain.rank())) {
      const std::int64_t n = s.plain.sizes[*d];
      const std::int64_t first = start < 0 ? start + n : start;
      if (first >= 0 && length >= 0 && Wide{first} + length <= n)
        expected = stepped(s.plain, *d, first, length, 1);
    }
    return {fmt::format("{}, {}, {}", dim, start, length), [=, &s] { return s.x.narrow(dim, start, length); },
            expected};
  });
}

TEST(Bounds, OfSlice) {
  expect_bounds("slice", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t dim = draw.wild(-3, 3);
    const auto end = [&] { return draw.one_in(4) ? std::nullopt : std::optional(draw.wild(-5, 5)); };
    const Slice slice{end(), end(), draw.wild(0, 3)};
    std::optional<Plain> expected;
    const auto d = wrapped(dim, s.plain.rank());
    if (d && slice.step > 0) {
      const Wide n = s.plain.sizes[*d];
      const auto position = [n](Wide p) { return std::clamp<Wide>(p < 0 ? p + n : p, 0, n); };
      const Wide first = position(slice.first.value_or(0));
      const Wide last = std::max(position(slice.last ? Wide{*slice.last} : n), first);
      expected = stepped(s.plain, *d, static_cast<std::int64_t>(first),
                         static_cast<std::int64_t>((last - first + slice.step - 1) / slice.step), slice.step);
    }
    return {fmt::format("{}, {}:{}:{}", dim, slice.first.value_or(0), slice.last.value_or(-1), slice.step),
            [=, &s] { return s.x.slice(dim, slice); }, expected};
  });
}

TEST(Bounds, OfExpand) {
  expect_bounds("expand", [](Draw& draw, const Subject& s) -> Trial {
    Ints wanted = draw.wild(draw.between(0, 2), 0, 3);
    for (const std::int64_t n : s.plain.sizes) wanted.push_back(draw.one_in(3) ? draw.wild(-2, 4) : n);
    if (draw.one_in(9))
      wanted.erase(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(wanted.size() / 2));
    Ints sizes = wanted;
    const auto lead = static_cast<std::int64_t>(wanted.size()) - s.plain.rank();
    bool fits = lead >= 0;
    for (std::int64_t i = std::max<std::int64_t>(lead, 0);
         fits && i < static_cast<std::int64_t>(sizes.size()); ++i) {
      const std::int64_t own = s.plain.sizes[static_cast<std::size_t>(i - lead)];
      std::int64_t& size = sizes[static_cast<std::size_t>(i)];
      if (size == -1) size = own;
      fits = size == own || own == 1;
    }
    std::optional<Plain> expected;
    if (fits) {
      expected = filled(sizes, [&](const Ints& index) {
        Ints from(index.begin() + static_cast<std::ptrdiff_t>(lead), index.end());
        for (std::size_t d = 0; d < from.size(); ++d) from[d] = std::min(from[d], s.plain.sizes[d] - 1);
        return s.plain.at(from);
      });
    }
    return {fmt::format("{}", wanted), [=, &s] { return s.x.expand(Shape(wanted)); }, expected};
  });
}

TEST(Bounds, OfReshape) {
  expect_bounds("reshape", [](Draw& draw, const Subject& s) -> Trial {
    Ints wanted = draw.one_in(3) ? draw.wild(draw.between(0, 4), -1, 4) : s.plain.sizes;
    if (draw.one_in(2)) std::shuffle(wanted.begin(), wanted.end(), std::mt19937_64(1));
    if (draw.one_in(3)) wanted.push_back(draw.wild(-1, 1));
    Ints sizes = wanted;
    const auto free = std::find(sizes.begin(), sizes.end(), -1);
    if (free != sizes.end()) {
      *free = 1;
      const Wide known = product(sizes);
      *free = known > 0 && s.count() % known == 0 ? static_cast<std::int64_t>(s.count() / known) : -1;
    }
    std::optional<Plain> expected;
    if (possible(sizes) && product(sizes) == s.count()) expected = Plain{sizes, s.plain.values};
    return {fmt::format("{}", wanted), [=, &s] { return s.x.reshape(Shape(wanted)); }, expected};
  });
}

TEST(Bounds, OfAsStrided) {
  expect_bounds("as_strided", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t rank = draw.between(0, 3);
    const Ints sizes = draw.wild(rank, draw.one_in(6) ? -1 : 1, 3);
    const Ints strides = draw.wild(draw.one_in(9) ? rank + 1 : rank, draw.one_in(6) ? -1 : 0, 6);
    const std::int64_t offset = draw.wild(draw.one_in(6) ? -1 : 0, 8);
    bool fits = strides.size() == sizes.size() && offset >= 0 && possible(sizes);
    Wide last = offset;
    for (std::size_t d = 0; fits && d < sizes.size(); ++d) {
      fits = strides[d] >= 0;
      last += std::max<Wide>(sizes[d] - 1, 0) * strides[d];
    }
    const bool empty = product(sizes) == 0;
    std::optional<Plain> expected;
    if (fits && (empty || last < s.count())) {
      expected = filled(sizes, [&](const Ints& index) {
        std::int64_t position = offset;
        for (std::size_t d = 0; d < index.size(); ++d) position += index[d] * strides[d];
        return static_cast<double>(position);
      });
    }
    return {fmt::format("{}, {}, {}", sizes, strides, offset),
            [=, &s] { return s.x.as_strided(Shape(sizes), Shape(strides), offset); }, expected, empty};
  });
}

TEST(Bounds, OfUnfold) {
  expect_bounds("unfold", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t dim = draw.wild(-3, 3);
    const std::int64_t size = draw.wild(-1, 4);
    const std::int64_t step = draw.wild(0, 3);
    std::optional<Plain> expected;
    const auto d = wrapped(dim, s.plain.rank());
    if (d && size >= 0 && size <= s.plain.sizes[*d] && step > 0) {
      Ints sizes = s.plain.sizes;
      sizes[*d] = (sizes[*d] - size) / step + 1;
      sizes.push_back(size);
      expected = filled(sizes, [&](Ints index) {
        index[*d] = index[*d] * step + index.back();
        index.pop_back();
        return s.plain.at(index);
      });
    }
    return {fmt::format("{}, {}, {}", dim, size, step), [=, &s] { return s.x.unfold(dim, size, step); },
            expected};
  });
}

TEST(Bounds, OfDiagonal) {
  expect_bounds("diagonal", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t offset = draw.wild(-3, 3);
    const std::int64_t dim0 = draw.one_in(4) ? draw.wild(-4, 4) : 0;
    const std::int64_t dim1 = draw.one_in(4) ? draw.wild(-4, 4) : 1;
    const auto a = wrapped(dim0, s.plain.rank());
    const auto b = wrapped(dim1, s.plain.rank());
    std::optional<Plain> expected;
    if (a && b && *a != *b) {
      const Wide row = std::max<Wide>(-Wide{offset}, 0);
      const Wide column = std::max<Wide>(offset, 0);
      const Wide length = std::min(s.plain.sizes[*a] - row, s.plain.sizes[*b] - column);
      Ints sizes = s.plain.sizes;
      sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(std::max(*a, *b)));
      sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(std::min(*a, *b)));
      sizes.push_back(static_cast<std::int64_t>(std::max<Wide>(length, 0)));
      expected = filled(sizes, [&](Ints index) {
        const std::int64_t i = index.back();
        index.pop_back();
        index.insert(index.begin() + static_cast<std::ptrdiff_t>(std::min(*a, *b)), 0);
        index.insert(index.begin() + static_cast<std::ptrdiff_t>(std::max(*a, *b)), 0);
        index[*a] = static_cast<std::int64_t>(row) + i;
        index[*b] = static_cast<std::int64_t>(column) + i;
        return s.plain.at(index);
      });
    }
    return {fmt::format("{}, {}, {}", offset, dim0, dim1),
            [=, &s] { return s.x.diagonal(offset, dim0, dim1); }, expected};
  });
}

// ---- copies ----

TEST(Bounds, OfRepeat) {
  expect_bounds("repeat", [](Draw& draw, const Subject& s) -> Trial {
    const Ints repeats =
        draw.wild(s.plain.rank() + draw.between(draw.one_in(6) ? -1 : 0, 1), draw.one_in(6) ? -1 : 0, 3);
    const auto lead = static_cast<std::int64_t>(repeats.size()) - s.plain.rank();
    bool fits = lead >= 0;
    bool absurd = false;  // then a size of 0 may come too late
    Ints sizes;
    for (std::size_t d = 0; fits && d < repeats.size(); ++d) {
      const std::int64_t own =
          static_cast<std::int64_t>(d) < lead ? 1 : s.plain.sizes[d - static_cast<std::size_t>(lead)];
      fits = repeats[d] >= 0 && Wide{repeats[d]} * own <= highest;
      if (fits) sizes.push_back(repeats[d] * own);
      absurd = absurd || repeats[d] > 3;
    }
    std::optional<Plain> expected;
    if (fits) {
      expected = filled(sizes, [&](const Ints& index) {
        Ints from(index.begin() + static_cast<std::ptrdiff_t>(lead), index.end());
        for (std::size_t d = 0; d < from.size(); ++d) from[d] %= s.plain.sizes[d];
        return s.plain.at(from);
      });
    }
    return {fmt::format("{}", repeats), [=, &s] { return s.x.repeat(Shape(repeats)); }, expected, absurd};
  });
}

TEST(Bounds, OfRoll) {
  expect_bounds("roll", [](Draw& draw, const Subject& s) -> Trial {
    const std::int64_t shift = draw.wild(-9, 9);
    const std::int64_t dim = draw.wild(-3, 3);
    std::optional<Plain> expected;
    if (const auto d = wrapped(dim, s.plain.rank())) {
      const Wide n = s.plain.sizes[*d];
      expected = filled(s.plain.sizes, [&](Ints index) {
        index[*d] = static_cast<std::int64_t>(((index[*d] - Wide{shift}) % n + n) % n);
        return s.plain.at(index);
      });
    }
    return {fmt::format("{}, {}", shift, dim), [=, &s] { return s.x.roll(shift, dim); }, expected,
            s.plain.sizes.empty()};
  });
}

TEST(Bounds, OfPad) {
  expect_bounds("pad", [](Draw& draw, const Subject& s) -> Trial {
    const Ints padding =
        draw.wild(draw.one_in(6) ? draw.between(0, 9) : 2 * draw.between(0, s.plain.rank()), -2, 2);
    bool fits = padding.size() % 2 == 0 && static_cast<std::int64_t>(padding.size() / 2) <= s.plain.rank();
    Ints sizes = s.plain.sizes;
    Ints before(sizes.size(), 0);
    for (std::size_t i = 0; fits && i < padding.size() / 2; ++i) {
      const std::size_t d = sizes.size() - 1 - i;
      const Wide left = padding[2 * i];
      const Wide right = padding[2 * i + 1];
      const Wide size = sizes[d] + left + right;
      fits = size >= 0 && size <= highest && -left <= sizes[d] && -right <= sizes[d];
      if (!fits) break;
      before[d] = padding[2 * i];
      sizes[d] = static_cast<std::int64_t>(size);
    }
    std::optional<Plain> expected;
    if (fits) {
      expected = filled(sizes, [&](Ints index) {
        for (std::size_t d = 0; d < index.size(); ++d) {
          index[d] -= before[d];
          if (index[d] < 0 || index[d] >= s.plain.sizes[d]) return 0.5;
        }
        return s.plain.at(index);
      });
    }
    return {fmt::format("{}", padding), [=, &s] { return pad(s.x, padding, {.value = 0.5}); }, expected};
  });
}

}  // namespace
}  // namespace mica
