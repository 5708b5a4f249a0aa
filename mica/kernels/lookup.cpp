#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include <mica/core/parallel.h>
#include <mica/kernels/item.h>
#include <mica/kernels/lookup.h>

namespace mica::kernels {
namespace {

// Fewer elements than this stay on the calling thread.
constexpr std::int64_t grain = 32768;

// What a walk steps through together: the index, the dense side (result of gather, source of scatter), and x.
struct Steps {
  std::int64_t index = 0, dense = 0, x = 0;
  Steps operator+(const Steps& b) const { return {index + b.index, dense + b.dense, x + b.x}; }
  Steps operator*(std::int64_t n) const { return {index * n, dense * n, x * n}; }
  bool operator==(const Steps&) const = default;
};

// The dimensions but the indexed one, merged where all operands allow it. Each of their positions is a lane:
// lanes touch different elements of x, so any thread may take any lane.
struct Plan {
  int rank = 0;  // of the lanes; at least 1
  std::array<std::int64_t, max_dims> sizes;
  std::array<Steps, max_dims> steps;
  std::int64_t length;  // of each lane
  Steps along;          // one step along the lane; x: for one step of the index
  std::int64_t lanes = 1;

  std::int64_t inner_size() const { return sizes[static_cast<std::size_t>(rank - 1)]; }
  const Steps& inner() const { return steps[static_cast<std::size_t>(rank - 1)]; }
};

Plan make_plan(const Lookup& lookup, const Shape& dense_strides) {
  Plan plan;
  const auto at = [&](int d) { return Steps{lookup.index_strides[d], dense_strides[d], lookup.strides[d]}; };
  plan.length = lookup.sizes[lookup.dim];
  plan.along = at(lookup.dim);
  for (int d = 0; d < lookup.sizes.size(); ++d) {
    const std::int64_t size = lookup.sizes[d];
    if (d == lookup.dim || size == 1) continue;
    plan.lanes *= size;
    if (plan.rank > 0 && plan.inner() == at(d) * size) {
      plan.sizes[static_cast<std::size_t>(plan.rank - 1)] *= size;
      plan.steps[static_cast<std::size_t>(plan.rank - 1)] = at(d);
      continue;
    }
    plan.sizes[static_cast<std::size_t>(plan.rank)] = size;
    plan.steps[static_cast<std::size_t>(plan.rank++)] = at(d);
  }
  if (plan.rank == 0) {
    plan.rank = 1;
    plan.sizes[0] = 1;
    plan.steps[0] = {};
  }
  return plan;
}

// Calls run(start, count) for the lanes [first, last), cut into runs along the innermost dimension.
template <class Run>
void for_each_run(const Plan& plan, std::int64_t first, std::int64_t last, const Run& run) {
  while (first < last) {
    std::int64_t rest = first / plan.inner_size();
    const std::int64_t column = first % plan.inner_size();
    Steps start = plan.inner() * column;
    for (int d = plan.rank - 2; d >= 0; --d) {
      const auto i = static_cast<std::size_t>(d);
      start = start + plan.steps[i] * (rest % plan.sizes[i]);
      rest /= plan.sizes[i];
    }
    const std::int64_t count = std::min(plan.inner_size() - column, last - first);
    run(start, count);
    first += count;
  }
}

// Applies op(dense element, element of x) to the lanes [first, last) at the positions [begin, end) of each,
// in the order that suits memory. The order within a lane is always that of the index.
template <class D, class X, class Op>
void walk(const Plan& plan, const std::int64_t* index, D* dense, X* x, std::int64_t first, std::int64_t last,
          std::int64_t begin, std::int64_t end, const Op& op) {
  const Steps along = plan.along;
  const Steps across = plan.inner();
  const bool along_is_dense = std::abs(along.dense) < std::abs(across.dense);
  for_each_run(plan, first, last, [&](const Steps& start, std::int64_t count) {
    if (count == 1 || along_is_dense) {
      for (std::int64_t k = 0; k < count; ++k) {
        const Steps lane = start + across * k;
        for (std::int64_t j = begin; j < end; ++j) {
          op(dense[lane.dense + j * along.dense], x[lane.x + index[lane.index + j * along.index] * along.x]);
        }
      }
      return;
    }
    for (std::int64_t j = begin; j < end; ++j) {
      const std::int64_t* at = index + start.index + j * along.index;
      D* d = dense + start.dense + j * along.dense;
      X* to = x + start.x;
      if (across.index != 0) {
        for (std::int64_t k = 0; k < count; ++k)
          op(d[k * across.dense], to[k * across.x + at[k * across.index] * along.x]);
        continue;
      }
      to += *at * along.x;  // one index for the whole row
      if (across.dense == 1 && across.x == 1) {
        if constexpr (requires { op.row(d, to, count); }) {
          if (count >= 16) {
            op.row(d, to, count);
            continue;
          }
        }
        for (std::int64_t k = 0; k < count; ++k) op(d[k], to[k]);
      } else {
        for (std::int64_t k = 0; k < count; ++k) op(d[k * across.dense], to[k * across.x]);
      }
    }
  });
}

// Copies of whole rows are left to memcpy.
struct Read {
  template <class T> void operator()(T& to, T from) const { to = from; }
  template <class T> void row(T* to, const T* from, std::int64_t count) const {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  }
};
struct Write {
  template <class T> void operator()(T from, T& to) const { to = from; }
  template <class T> void row(const T* from, T* to, std::int64_t count) const {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  }
};

std::int64_t lanes_at_a_time(const Plan& plan) {
  return std::max<std::int64_t>(1, grain / std::max<std::int64_t>(plan.length, 1));
}

template <class T, class Op>
void scatter_with(const Lookup& lookup, const In& source, void* x, const Op& op) {
  const Plan plan = make_plan(lookup, source.strides);
  parallel_for(0, plan.lanes, lanes_at_a_time(plan), [&](std::int64_t first, std::int64_t last) {
    walk(plan, lookup.index, static_cast<const T*>(source.data), static_cast<T*>(x), first, last, 0,
         plan.length, op);
  });
}

template <class T> bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  else
    return false;
}

template <class T> void scatter_numbers(Scatter op, const Lookup& lookup, const In& source, void* x) {
  switch (op) {
    case Scatter::add:
      return scatter_with<T>(lookup, source, x, [](T from, T& to) {
        if constexpr (std::is_same_v<T, bool>)
          to = to || from;
        else if constexpr (std::is_integral_v<T>)  // wraps around
          to = static_cast<T>(static_cast<std::make_unsigned_t<T>>(to) +
                              static_cast<std::make_unsigned_t<T>>(from));
        else
          to += from;
      });
    case Scatter::mul:
      return scatter_with<T>(lookup, source, x, [](T from, T& to) {
        if constexpr (std::is_same_v<T, bool>)
          to = to && from;
        else if constexpr (std::is_integral_v<T>)
          to = static_cast<T>(static_cast<std::uint64_t>(to) * static_cast<std::uint64_t>(from));
        else
          to *= from;
      });
    case Scatter::max:
      return scatter_with<T>(lookup, source, x, [](T from, T& to) {
        if (from > to || is_nan(from)) to = from;
      });
    case Scatter::min:
      return scatter_with<T>(lookup, source, x, [](T from, T& to) {
        if (from < to || is_nan(from)) to = from;
      });
    case Scatter::copy: break;  // has no use for the type
  }
}

}  // namespace

void gather(std::int64_t item_size, const Lookup& lookup, const void* x, const Out& out) {
  if (lookup.sizes.numel() == 0) return;
  const Plan plan = make_plan(lookup, out.strides);
  dispatch_item(item_size, [&]<class T>() {
    const auto part = [&](std::int64_t first, std::int64_t last, std::int64_t begin, std::int64_t end) {
      walk(plan, lookup.index, static_cast<T*>(out.data), static_cast<const T*>(x), first, last, begin, end,
           Read());
    };
    // Reading may also be shared out along the lanes.
    if (plan.lanes >= plan.length) {
      parallel_for(0, plan.lanes, lanes_at_a_time(plan),
                   [&](std::int64_t first, std::int64_t last) { part(first, last, 0, plan.length); });
    } else {
      parallel_for(0, plan.length, std::max<std::int64_t>(1, grain / plan.lanes),
                   [&](std::int64_t begin, std::int64_t end) { part(0, plan.lanes, begin, end); });
    }
  });
}

void scatter(Scatter op, DType dtype, const Lookup& lookup, const In& source, void* x) {
  if (lookup.sizes.numel() == 0) return;
  if (op == Scatter::copy) {
    dispatch_item(static_cast<std::int64_t>(item_size(dtype)),
                  [&]<class T>() { scatter_with<T>(lookup, source, x, [](T from, T& to) { to = from; }); });
    return;
  }
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_arithmetic_v<T>) scatter_numbers<T>(op, lookup, source, x);
  });
}

std::int64_t find_outside(std::int64_t count, const std::int64_t* index, std::int64_t low,
                          std::int64_t high) {
  // Modulo 2^64, so that no distance overflows.
  const auto base = static_cast<std::uint64_t>(low);
  const std::uint64_t width = static_cast<std::uint64_t>(high) - base;
  const auto outside = [=](std::int64_t i) { return static_cast<std::uint64_t>(i) - base >= width; };
  std::atomic<bool> any = false;
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    bool found = false;
    for (std::int64_t i = first; i < last; ++i) found |= outside(index[i]);
    if (found) any.store(true, std::memory_order_relaxed);
  });
  return any ? std::find_if(index, index + count, outside) - index : -1;
}

void wrap_negative(std::int64_t count, std::int64_t size, const std::int64_t* index, std::int64_t* out) {
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) out[i] = index[i] < 0 ? index[i] + size : index[i];
  });
}

}  // namespace mica::kernels
