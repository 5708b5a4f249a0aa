// Random calls of everything that takes indices, valid and invalid, on memory that lies between canaries.
// Each call either throws an Error and changes nothing, or does what plain loops do; nothing else in memory
// changes, and no canary shows up in a result.
#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

using Numbers = std::vector<std::int64_t>;

// ---- plain tensors ----

struct Plain {
  Numbers sizes;
  Numbers values;  // row-major
};

std::int64_t count(const Numbers& sizes) {
  std::int64_t n = 1;
  for (const std::int64_t size : sizes) n *= size;
  return n;
}

std::size_t flat(const Numbers& sizes, const Numbers& position) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < sizes.size(); ++d) at = at * sizes[d] + position[d];
  return static_cast<std::size_t>(at);
}

// All positions, in row-major order.
std::vector<Numbers> positions(const Numbers& sizes) {
  std::vector<Numbers> all;
  for (std::int64_t i = 0; i < count(sizes); ++i) {
    Numbers position(sizes.size());
    std::int64_t rest = i;
    for (std::size_t d = sizes.size(); d-- > 0; rest /= sizes[d]) position[d] = rest % sizes[d];
    all.push_back(position);
  }
  return all;
}

// The element that stands at `position` when x is broadcast.
std::int64_t broadcast_at(const Plain& x, const Numbers& position) {
  Numbers own(x.sizes.size());
  for (std::size_t d = 0; d < own.size(); ++d)
    own[d] = x.sizes[d] == 1 ? 0 : position[position.size() - own.size() + d];
  return x.values[flat(x.sizes, own)];
}

std::optional<Numbers> broadcast(const Numbers& a, const Numbers& b) {
  Numbers out(std::max(a.size(), b.size()));
  for (std::size_t i = 1; i <= out.size(); ++i) {
    const std::int64_t x = i <= a.size() ? a[a.size() - i] : 1;
    const std::int64_t y = i <= b.size() ? b[b.size() - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    out[out.size() - i] = x == 1 ? y : x;
  }
  return out;
}

bool broadcasts_to(Numbers sizes, const Numbers& wanted) {
  while (sizes.size() > wanted.size() && sizes[0] == 1) sizes.erase(sizes.begin());
  return sizes.size() <= wanted.size() && broadcast(sizes, wanted) == wanted;
}

Plain without_leading_ones(Plain x, std::size_t rank) {
  while (x.sizes.size() > rank) x.sizes.erase(x.sizes.begin());
  return x;
}

std::int64_t sum(std::int64_t a, std::int64_t b, DType type) { return type == boolean ? (a | b) : a + b; }

// ---- tensors between canaries ----

constexpr std::int64_t canary = 90;  // larger than any size or value here
constexpr std::int64_t margin = 16;  // elements

void store(DType type, std::byte* to, std::int64_t value) {
  dispatch(type, [&]<class T>() {
    T item;
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
      item = T(static_cast<float>(value));
    else
      item = static_cast<T>(value);
    std::memcpy(to, &item, sizeof item);
  });
}

Plain read(const Tensor& x) {
  Plain plain{Numbers(x.sizes().begin(), x.sizes().end()), {}};
  dispatch(x.dtype(), [&]<class T>() {
    for (const Numbers& position : positions(plain.sizes)) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < position.size(); ++d)
        offset += position[d] * x.strides()[static_cast<int>(d)];
      const T item = static_cast<const T*>(x.raw_data())[offset];
      if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
        plain.values.push_back(static_cast<std::int64_t>(static_cast<float>(item)));
      else
        plain.values.push_back(static_cast<std::int64_t>(item));
    }
  });
  return plain;
}

enum class Layout { contiguous, transposed, stepped, expanded };

struct Guarded {
  Plain plain;
  Tensor x;
  std::vector<std::byte> memory;
  std::vector<std::byte> before;

  // Repeats the values along expanded dimensions.
  Guarded(Plain given, DType type, Layout layout) : plain(std::move(given)) {
    const auto rank = plain.sizes.size();
    Shape strides = Shape::filled(static_cast<int>(rank), 0);
    const std::int64_t spread = layout == Layout::stepped ? 2 : 1;
    std::int64_t step = 1;
    for (std::size_t i = 0; i < rank; ++i) {
      const std::size_t d = layout == Layout::transposed ? i : rank - 1 - i;
      if (layout == Layout::expanded && d == 0) continue;
      strides[static_cast<int>(d)] = step * spread;
      step *= plain.sizes[d] * spread;
    }
    const std::int64_t total = std::max<std::int64_t>(step, 1) + 2 * margin;
    const auto item = static_cast<std::int64_t>(item_size(type));
    memory.resize(static_cast<std::size_t>(total * item));
    for (std::int64_t i = 0; i < total; ++i) store(type, memory.data() + i * item, canary);
    const Tensor blob = from_blob(memory.data(), {total}, type);
    x = alias(blob, plain.sizes, strides, margin);
    const auto all = positions(plain.sizes);
    for (std::size_t i = all.size(); i-- > 0;) {  // the first one wins where they overlap
      std::int64_t offset = margin;
      for (std::size_t d = 0; d < rank; ++d) offset += all[i][d] * strides[static_cast<int>(d)];
      store(type, memory.data() + offset * item, plain.values[i]);
    }
    plain = read(x);
    before = memory;
  }
  bool overlaps() const {
    for (int d = 0; d < x.sizes().size(); ++d) {
      if (x.sizes()[d] > 1 && x.strides()[d] == 0 && x.numel() > 0) return true;
    }
    return false;
  }
  bool unchanged() const { return memory == before; }
  // Nothing but the elements of x.
  bool unchanged_around() const {
    std::vector<std::byte> rest = memory;
    const auto item = static_cast<std::int64_t>(item_size(x.dtype()));
    for (const Numbers& position : positions(plain.sizes)) {
      std::int64_t offset = margin;
      for (std::size_t d = 0; d < position.size(); ++d)
        offset += position[d] * x.strides()[static_cast<int>(d)];
      std::copy_n(before.begin() + offset * item, item, rest.begin() + offset * item);
    }
    return rest == before;
  }
};

// ---- chance ----

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  bool one_in(int n) { return between(1, n) == 1; }
  template <class T> const T& of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(choices.size()) - 1))];
  }
  Numbers sizes(std::int64_t rank) {
    Numbers s(static_cast<std::size_t>(rank));
    for (std::int64_t& n : s) n = one_in(10) ? 0 : between(1, 4);
    return s;
  }
  DType dtype() { return of(std::vector<DType>{f32, f64, bf16, f16, i64, i32, u8, boolean}); }
  Guarded numbers(const Numbers& sizes, DType type, bool may_overlap = true) {
    Plain x{sizes, Numbers(static_cast<std::size_t>(count(sizes)))};
    for (std::int64_t& v : x.values) v = between(0, type == boolean ? 1 : 7);
    return {std::move(x), type, static_cast<Layout>(between(0, may_overlap ? 3 : 2))};
  }
  // Positions in a dimension of this size: rarely one outside, rarely of another dtype.
  Guarded index(const Numbers& sizes, std::int64_t size, std::int64_t low) {
    const DType type = one_in(25) ? of(std::vector<DType>{f32, u8}) : one_in(3) ? i32 : i64;
    Plain x{sizes, Numbers(static_cast<std::size_t>(count(sizes)))};
    for (std::int64_t& v : x.values)
      v = size == 0 || type == u8 ? 0 : between(std::min(low, size - 1), size - 1);
    if (!x.values.empty() && type != f32 && type != u8 && one_in(5)) {
      using Wide = std::numeric_limits<std::int64_t>;
      using Narrow = std::numeric_limits<std::int32_t>;
      const std::int64_t least = type == i64 ? Wide::min() : Narrow::min();
      const std::int64_t most = type == i64 ? Wide::max() : Narrow::max();
      x.values[static_cast<std::size_t>(between(0, count(sizes) - 1))] =
          of(Numbers{size, -1, -size, -size - 1, least, most, least + size, canary});
    }
    return {std::move(x), type, static_cast<Layout>(between(0, 3))};
  }

 private:
  std::mt19937 engine_;
};

bool is_index(const Guarded& g) { return g.x.dtype() == i64 || g.x.dtype() == i32; }
bool all_within(const Guarded& g, std::int64_t low, std::int64_t high) {
  return std::all_of(g.plain.values.begin(), g.plain.values.end(),
                     [=](std::int64_t i) { return i >= low && i < high; });
}

// ---- the check ----

// What a call does: a new tensor, or changed elements of the first operand.
struct Call {
  std::string name;
  std::vector<const Guarded*> operands;
  std::optional<Plain> expected;  // none: it must throw
  bool in_place = false;
  std::function<Tensor()> run;
};

std::string describe(const Call& call) {
  std::ostringstream text;
  text << call.name;
  for (const Guarded* g : call.operands) {
    text << "\n  " << name(g->x.dtype()) << " " << to_string(g->x.sizes()) << " strides "
         << to_string(g->x.strides()) << ":";
    for (const std::int64_t v : g->plain.values) text << " " << v;
  }
  return text.str();
}

// How often each kind of call threw and how often it did not.
std::map<std::string, std::array<int, 2>> outcomes;

void check(const Call& call) {
  SCOPED_TRACE(describe(call));
  std::optional<Tensor> result;
  std::string message;
  try {
    result = call.run();
  } catch (const Error& e) {
    message = e.what();
  }
  ++outcomes[call.name][result ? 1 : 0];
  const bool changes = call.in_place && result;
  for (std::size_t i = 0; i < call.operands.size(); ++i) {
    if (i == 0 && changes)
      ASSERT_TRUE(call.operands[0]->unchanged_around());
    else
      ASSERT_TRUE(call.operands[i]->unchanged()) << "operand " << i;
  }
  ASSERT_EQ(result.has_value(), call.expected.has_value()) << message;
  if (!result) return;
  const Plain actual = read(changes ? call.operands[0]->x : *result);
  ASSERT_EQ(actual.sizes, call.expected->sizes);
  ASSERT_EQ(actual.values, call.expected->values);
}

// ---- gather and scatter ----

// An index of x's rank treated as if 0-d were (1).
Numbers at_least_1d(Numbers sizes) {
  if (sizes.empty()) sizes.push_back(1);
  return sizes;
}

bool fits_along(const Numbers& x, std::size_t dim, const Numbers& index) {
  if (count(index) == 0) return true;
  const Numbers a = at_least_1d(x), b = at_least_1d(index);
  if (a.size() != b.size()) return false;
  for (std::size_t d = 0; d < a.size(); ++d) {
    if (d != dim && b[d] > a[d]) return false;
  }
  return true;
}

void try_along(Chance& chance) {
  const DType type = chance.dtype();
  const bool in_place = chance.one_in(3);
  const Guarded x = chance.numbers(chance.sizes(chance.between(0, 4)), type, !in_place || chance.one_in(5));
  const Numbers sizes = at_least_1d(x.plain.sizes);
  const std::int64_t rank = static_cast<std::int64_t>(sizes.size());
  const std::int64_t dim = chance.between(-rank, rank - 1);
  const auto d = static_cast<std::size_t>(dim < 0 ? dim + rank : dim);
  Numbers index_sizes = sizes;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    index_sizes[i] =
        i == d ? chance.between(0, 5) : chance.between(0, sizes[i] + (chance.one_in(12) ? 1 : 0));
  if (chance.one_in(15)) index_sizes.push_back(1);
  const Guarded index = chance.index(index_sizes, sizes[d], 0);
  Numbers source_sizes = index_sizes;
  for (std::int64_t& n : source_sizes)
    n += chance.one_in(4) ? chance.between(chance.one_in(4) ? -1 : 0, 1) : 0;
  for (std::int64_t& n : source_sizes) n = std::max<std::int64_t>(n, 0);
  const Guarded source = chance.numbers(source_sizes, chance.one_in(15) ? chance.dtype() : type);
  const bool valid =
      fits_along(x.plain.sizes, d, index_sizes) && is_index(index) && all_within(index, 0, sizes[d]);

  const auto element = [&](Numbers position, std::size_t i) {
    position[d] = index.plain.values[i];
    return flat(sizes, position);
  };
  if (chance.one_in(3)) {
    Plain picked{index_sizes, {}};
    const auto all = positions(index_sizes);
    for (std::size_t i = 0; valid && i < all.size(); ++i)
      picked.values.push_back(x.plain.values[element(all[i], i)]);
    return check({"gather", {&x, &index}, valid ? std::optional(picked) : std::nullopt, false, [&] {
                    return gather(x.x, dim, index.x);
                  }});
  }
  const bool adds = chance.one_in(2);
  bool source_fits = source.x.dtype() == type;
  if (count(index_sizes) != 0) {
    for (std::size_t i = 0; i < index_sizes.size(); ++i) source_fits &= source_sizes[i] >= index_sizes[i];
  }
  const bool works = valid && source_fits && !(in_place && x.overlaps());
  Plain changed = x.plain;
  const auto all = positions(index_sizes);
  for (std::size_t i = 0; works && i < all.size(); ++i) {
    std::int64_t& to = changed.values[element(all[i], i)];
    const std::int64_t from = source.plain.values[flat(source_sizes, all[i])];
    to = adds ? sum(to, from, type) : from;
  }
  Tensor target = x.x;
  check({std::string(adds ? "scatter_add" : "scatter") + (in_place ? "_" : ""),
         {&x, &index, &source},
         works ? std::optional(changed) : std::nullopt,
         in_place,
         [&] {
           if (in_place)
             return adds ? target.scatter_add_(dim, index.x, source.x)
                         : target.scatter_(dim, index.x, source.x);
           return adds ? scatter_add(x.x, dim, index.x, source.x) : scatter(x.x, dim, index.x, source.x);
         }});
}

// ---- whole slices ----

void try_slices(Chance& chance) {
  const DType type = chance.dtype();
  const bool in_place = chance.one_in(3);
  const Guarded x = chance.numbers(chance.sizes(chance.between(1, 4)), type, !in_place || chance.one_in(5));
  const Numbers& sizes = x.plain.sizes;
  const auto d = static_cast<std::size_t>(chance.between(0, static_cast<std::int64_t>(sizes.size()) - 1));
  const auto dim = static_cast<std::int64_t>(d);
  const std::string kind = chance.of(std::vector<std::string>{"select", "add", "copy", "fill"});
  const std::int64_t low = kind == "fill" ? -sizes[d] : 0;
  const Numbers index_sizes = chance.one_in(15) ? Numbers{1, 2} : Numbers{chance.between(0, 5)};
  const Guarded index = chance.index(index_sizes, sizes[d], low);
  Numbers slices = sizes;
  slices[d] = count(index_sizes);
  Numbers source_sizes = slices;
  if (chance.one_in(10)) source_sizes[0] += 1;
  const Guarded source = chance.numbers(source_sizes, chance.one_in(15) ? chance.dtype() : type);
  const bool valid = index_sizes.size() == 1 && is_index(index) && all_within(index, low, sizes[d]);
  const auto element = [&](Numbers position) {
    const std::int64_t i = index.plain.values[static_cast<std::size_t>(position[d])];
    position[d] = i < 0 ? i + sizes[d] : i;
    return flat(sizes, position);
  };
  if (kind == "select") {
    Plain picked{slices, {}};
    if (valid) {
      for (const Numbers& position : positions(slices))
        picked.values.push_back(x.plain.values[element(position)]);
    }
    return check({"index_select", {&x, &index}, valid ? std::optional(picked) : std::nullopt, false, [&] {
                    return index_select(x.x, dim, index.x);
                  }});
  }
  const bool source_fits = kind == "fill" || (source.x.dtype() == type && source_sizes == slices);
  const bool works = valid && source_fits && !(in_place && x.overlaps());
  Plain changed = x.plain;
  if (works) {
    for (const Numbers& position : positions(slices)) {
      std::int64_t& to = changed.values[element(position)];
      const std::int64_t from = kind == "fill" ? 1 : source.plain.values[flat(slices, position)];
      to = kind == "add" ? sum(to, from, type) : from;
    }
  }
  Tensor target = x.x;
  check({"index_" + kind + (in_place ? "_" : ""),
         {&x, &index, &source},
         works ? std::optional(changed) : std::nullopt,
         in_place,
         [&] {
           if (kind == "add")
             return in_place ? target.index_add_(dim, index.x, source.x)
                             : index_add(x.x, dim, index.x, source.x);
           if (kind == "copy")
             return in_place ? target.index_copy_(dim, index.x, source.x)
                             : index_copy(x.x, dim, index.x, source.x);
           return in_place ? target.index_fill_(dim, index.x, 1) : index_fill(x.x, dim, index.x, 1);
         }});
}

// ---- masks and positions in a line ----

void try_masks(Chance& chance) {
  const DType type = chance.dtype();
  const Numbers sizes = chance.sizes(chance.between(0, 3));
  const Guarded x = chance.numbers(sizes, type);
  Numbers mask_sizes = sizes;
  for (std::int64_t& n : mask_sizes) n = chance.one_in(5) ? 1 : n + (chance.one_in(20) ? 1 : 0);
  if (chance.one_in(5) && !mask_sizes.empty()) mask_sizes.erase(mask_sizes.begin());
  const Guarded mask = chance.numbers(mask_sizes, chance.one_in(15) ? u8 : boolean);
  const Guarded source = chance.numbers({chance.between(0, 30)}, type);
  const auto common = broadcast(sizes, mask_sizes);
  const bool valid = common && mask.x.dtype() == boolean;
  Plain picked{{0}, {}};
  Plain filled;
  if (valid) {
    filled.sizes = *common;
    for (const Numbers& position : positions(*common)) {
      const std::int64_t value = broadcast_at(x.plain, position);
      const bool chosen = broadcast_at(mask.plain, position) != 0;
      const std::size_t turn = picked.values.size();
      filled.values.push_back(chosen && turn < source.plain.values.size() ? source.plain.values[turn]
                                                                          : value);
      if (chosen) picked.values.push_back(value);
    }
    picked.sizes = {static_cast<std::int64_t>(picked.values.size())};
  }
  const bool enough = valid && picked.values.size() <= source.plain.values.size();
  check({"masked_select", {&x, &mask}, valid ? std::optional(picked) : std::nullopt, false, [&] {
           return masked_select(x.x, mask.x);
         }});
  check({"masked_scatter", {&x, &mask, &source}, enough ? std::optional(filled) : std::nullopt, false, [&] {
           return masked_scatter(x.x, mask.x, source.x);
         }});

  Plain where{{0, static_cast<std::int64_t>(sizes.size())}, {}};
  for (const Numbers& position : positions(sizes)) {
    if (x.plain.values[flat(sizes, position)] == 0) continue;
    ++where.sizes[0];
    where.values.insert(where.values.end(), position.begin(), position.end());
  }
  check({"nonzero", {&x}, where, false, [&] { return nonzero(x.x); }});

  const std::int64_t n = count(sizes);
  const Guarded index = chance.index(chance.sizes(chance.between(0, 2)), n, -n);
  const bool within = is_index(index) && all_within(index, -n, n);
  Plain taken{index.plain.sizes, {}};
  for (const std::int64_t i : index.plain.values) {
    if (within) taken.values.push_back(x.plain.values[static_cast<std::size_t>(i < 0 ? i + n : i)]);
  }
  check({"take", {&x, &index}, within ? std::optional(taken) : std::nullopt, false, [&] {
           return take(x.x, index.x);
         }});
}

// ---- subscripts ----

// A dimension of what the subscripts select, before index tensors are joined.
struct Axis {
  std::int64_t size = 1;
  int source = -1;  // dimension of x; none: new
  std::int64_t first = 0, step = 1;
  std::optional<Plain> index;
};

struct Subscript {
  std::vector<Index> indices;
  std::vector<Guarded> tensors;
  bool valid = true;
  std::vector<Axis> axes;
  Numbers fixed;  // positions in the dimensions taken by integers, -1 elsewhere
};

std::int64_t extreme(Chance& chance, std::int64_t size) {
  using Limits = std::numeric_limits<std::int64_t>;
  return chance.one_in(6) ? chance.of(Numbers{Limits::min(), Limits::max(), Limits::min() + 1})
                          : chance.between(-size - 2, size + 2);
}

void add_slice(Chance& chance, Subscript& s, int dim, std::int64_t size) {
  Slice slice;
  if (!chance.one_in(3)) slice.first = extreme(chance, size);
  if (!chance.one_in(3)) slice.last = extreme(chance, size);
  slice.step = chance.one_in(12) ? chance.of(Numbers{0, -1, std::numeric_limits<std::int64_t>::max(),
                                                     std::numeric_limits<std::int64_t>::min()})
                                 : chance.between(1, 3);
  s.indices.emplace_back(slice);
  if (slice.step < 1) s.valid = false;
  const auto wrapped = [&](std::int64_t p) {
    return std::clamp<std::int64_t>(p < 0 ? p + size : p, 0, size);
  };
  Axis axis{
      .size = 0, .source = dim, .first = wrapped(slice.first.value_or(0)), .step = slice.step, .index = {}};
  const std::int64_t last = wrapped(slice.last.value_or(size));
  for (std::int64_t i = axis.first; i < last && slice.step > 0; ++axis.size) {
    if (slice.step > last - i) {
      ++axis.size;
      break;
    }
    i += slice.step;
  }
  s.axes.push_back(axis);
}

void add_index_tensor(Chance& chance, Subscript& s, int dim, std::int64_t size) {
  s.tensors.push_back(chance.index(chance.one_in(3) ? chance.sizes(2) : chance.sizes(1), size, -size));
  const Guarded& g = s.tensors.back();
  s.indices.emplace_back(g.x);
  s.valid &= is_index(g) && all_within(g, -size, size);
  Plain wrapped = g.plain;
  for (std::int64_t& i : wrapped.values) i += i < 0 ? size : 0;
  s.axes.push_back({.source = dim, .index = std::move(wrapped)});
}

Subscript subscript(Chance& chance, const Numbers& sizes) {
  Subscript s;
  s.tensors.reserve(16);  // indices point at them
  s.fixed.assign(sizes.size(), -1);
  const auto rank = static_cast<int>(sizes.size());
  bool ellipsis = false;
  int dim = 0;
  const auto rest_of = [&](int from, int to) {
    for (int d = from; d < to; ++d)
      s.axes.push_back(
          {.size = sizes[static_cast<std::size_t>(d)], .source = d, .first = 0, .step = 1, .index = {}});
  };
  while (true) {
    const int left = rank - dim;
    const std::int64_t size = left > 0 ? sizes[static_cast<std::size_t>(dim)] : 0;
    switch (chance.between(0, 9)) {
      case 0:
        if (ellipsis) break;
        ellipsis = true;
        s.indices.emplace_back(Ellipsis);
        {
          const int skipped = static_cast<int>(chance.between(0, left));
          rest_of(dim, dim + skipped);
          dim += skipped;
        }
        break;
      case 1:
        s.indices.emplace_back(None);
        s.axes.push_back({});
        break;
      case 2: {
        const bool flag = !chance.one_in(3);
        s.indices.emplace_back(flag);
        s.axes.push_back({.index = Plain{{flag ? 1 : 0}, Numbers(flag ? 1 : 0)}});
        break;
      }
      case 3:
      case 4:
        if (left == 0) break;
        add_slice(chance, s, dim++, size);
        break;
      case 5: {
        if (left == 0) break;
        const std::int64_t i =
            chance.one_in(6) || size == 0 ? extreme(chance, size) : chance.between(-size, size - 1);
        s.indices.emplace_back(i);
        if (i < -size || i >= size) s.valid = false;
        s.fixed[static_cast<std::size_t>(dim++)] = i < 0 ? i + size : i;
        break;
      }
      case 6: {
        if (left == 0) break;
        const int extent = static_cast<int>(chance.between(1, left));
        Numbers mask_sizes(sizes.begin() + dim, sizes.begin() + dim + extent);
        if (chance.one_in(10)) mask_sizes.back() += 1;
        s.tensors.push_back(chance.numbers(mask_sizes, boolean));
        const Plain& mask = s.tensors.back().plain;
        s.indices.emplace_back(s.tensors.back().x);
        if (!std::equal(mask_sizes.begin(), mask_sizes.end(), sizes.begin() + dim)) s.valid = false;
        std::vector<Plain> columns(static_cast<std::size_t>(extent), Plain{{0}, {}});
        for (const Numbers& position : positions(mask_sizes)) {
          if (mask.values[flat(mask_sizes, position)] == 0) continue;
          for (std::size_t c = 0; c < columns.size(); ++c) {
            ++columns[c].sizes[0];
            columns[c].values.push_back(position[c]);
          }
        }
        for (Plain& column : columns) s.axes.push_back({.source = dim++, .index = std::move(column)});
        break;
      }
      default:
        if (left == 0) break;
        add_index_tensor(chance, s, dim++, size);
    }
    if (chance.one_in(3) || s.tensors.size() > 3 || s.axes.size() > 5) break;
  }
  if (!ellipsis) {
    rest_of(dim, rank);
  } else if (dim < rank) {  // the ellipsis takes all that is left: give the end an index each
    for (; dim < rank; ++dim) add_slice(chance, s, dim, sizes[static_cast<std::size_t>(dim)]);
  }
  if (chance.one_in(40)) {
    s.indices.insert(s.indices.end(), 9, Index(0));
    s.valid = false;
  }
  return s;
}

// The elements of x that the subscripts select.
struct Selected {
  Numbers sizes;
  std::vector<std::size_t> elements;
};

std::optional<Selected> select(const Subscript& s, const Numbers& sizes) {
  if (!s.valid) return std::nullopt;
  Numbers common;
  int first = -1, last = -1, indexed = 0;
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    if (!s.axes[i].index) continue;
    const auto joined = broadcast(common, s.axes[i].index->sizes);
    if (!joined) return std::nullopt;
    common = *joined;
    if (indexed++ == 0) first = static_cast<int>(i);
    last = static_cast<int>(i);
  }
  const bool in_front = indexed > 0 && last - first + 1 != indexed;
  Selected out;
  std::size_t line = 0;  // where the common dimensions start
  if (in_front) out.sizes = common;
  std::vector<std::size_t> place(s.axes.size());
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    if (!in_front && static_cast<int>(i) == first) {
      line = out.sizes.size();
      out.sizes.insert(out.sizes.end(), common.begin(), common.end());
    }
    place[i] = out.sizes.size();
    if (!s.axes[i].index) out.sizes.push_back(s.axes[i].size);
  }
  if (out.sizes.size() > static_cast<std::size_t>(max_dims)) return std::nullopt;
  for (const Numbers& position : positions(out.sizes)) {
    Numbers at = s.fixed;
    const Numbers in_line(position.begin() + static_cast<std::ptrdiff_t>(line),
                          position.begin() + static_cast<std::ptrdiff_t>(line + common.size()));
    for (std::size_t i = 0; i < s.axes.size(); ++i) {
      const Axis& axis = s.axes[i];
      if (axis.source < 0) continue;
      at[static_cast<std::size_t>(axis.source)] =
          axis.index ? broadcast_at(*axis.index, in_line) : axis.first + position[place[i]] * axis.step;
    }
    out.elements.push_back(flat(sizes, at));
  }
  return out;
}

void try_subscripts(Chance& chance) {
  const DType type = chance.dtype();
  const bool in_place = chance.one_in(2);
  const Guarded x = chance.numbers(chance.sizes(chance.between(0, 4)), type, !in_place || chance.one_in(5));
  const Subscript s = subscript(chance, x.plain.sizes);
  const auto selected = select(s, x.plain.sizes);
  std::vector<const Guarded*> operands{&x};
  for (const Guarded& g : s.tensors) operands.push_back(&g);

  std::optional<Plain> picked;
  if (selected) {
    picked = Plain{selected->sizes, {}};
    for (const std::size_t i : selected->elements) picked->values.push_back(x.plain.values[i]);
  }
  check({"index", operands, picked, false, [&] { return x.x.index(s.indices); }});

  Numbers value_sizes = selected ? selected->sizes : Numbers{};
  for (std::int64_t& n : value_sizes) n = chance.one_in(4) ? 1 : n + (chance.one_in(20) ? 1 : 0);
  if (chance.one_in(4) && !value_sizes.empty()) value_sizes.erase(value_sizes.begin());
  if (chance.one_in(8) && value_sizes.size() < 6) value_sizes.insert(value_sizes.begin(), 1);
  const Guarded value = chance.numbers(value_sizes, type);
  operands.push_back(&value);
  const bool accumulate = chance.one_in(2);
  const bool works = selected && broadcasts_to(value_sizes, selected->sizes) && !(in_place && x.overlaps());
  std::optional<Plain> changed;
  if (works) {
    changed = x.plain;
    const Plain fitted = without_leading_ones(value.plain, selected->sizes.size());
    const auto all = positions(selected->sizes);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::int64_t& to = changed->values[selected->elements[i]];
      const std::int64_t from = broadcast_at(fitted, all[i]);
      to = accumulate ? sum(to, from, type) : from;
    }
  }
  Tensor target = x.x;
  check({in_place ? "index_put_" : "index_put", operands, changed, in_place, [&] {
           if (in_place) return target.index_put_(s.indices, value.x, {.accumulate = accumulate});
           return x.x.index_put(s.indices, value.x, {.accumulate = accumulate});
         }});
}

TEST(IndexBounds, RandomCallsThrowOrDoWhatPlainLoopsDo) {
  outcomes.clear();
  for (unsigned seed = 1; seed <= 3000 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Chance chance(seed);
    try_along(chance);
    try_slices(chance);
    try_masks(chance);
    try_subscripts(chance);
    try_subscripts(chance);
  }
  for (const auto& [name, times] : outcomes) {
    EXPECT_GT(times[1], 100) << name << " hardly ever worked";
    if (name != "nonzero") EXPECT_GT(times[0], 30) << name << " hardly ever threw";
  }
}

}  // namespace
}  // namespace mica
