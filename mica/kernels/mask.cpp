#include <algorithm>
#include <array>

#include <mica/core/parallel.h>
#include <mica/kernels/item.h>
#include <mica/kernels/mask.h>

namespace mica::kernels {
namespace {

constexpr std::int64_t block_grain = 2;

// Calls body(first, last, before) for the elements of each block and the number of those chosen before it.
template <class Body> void for_each_block(const MaskCount& chosen, const Body& body) {
  parallel_for(0, chosen.blocks(), block_grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      if (chosen.before(b) == chosen.before(b + 1)) continue;
      const std::int64_t first = b * MaskCount::block;
      body(first, std::min(first + MaskCount::block, chosen.size()), chosen.before(b));
    }
  });
}

}  // namespace

MaskCount::MaskCount(const bool* mask, std::int64_t size)
    : mask_(mask), size_(size), before_(static_cast<std::size_t>((size + block - 1) / block + 1)) {
  parallel_for(0, blocks(), block_grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      std::int32_t count = 0;
      const std::int64_t last = std::min((b + 1) * block, size);
      for (std::int64_t i = b * block; i < last; ++i) count += mask[i] ? 1 : 0;
      before_[static_cast<std::size_t>(b + 1)] = count;
    }
  });
  for (std::size_t b = 1; b < before_.size(); ++b) before_[b] += before_[b - 1];
}

void compress(std::int64_t item_size, const MaskCount& chosen, const void* x, void* out) {
  dispatch_item(item_size, [&]<class T>() {
    const auto* from = static_cast<const T*>(x);
    for_each_block(chosen, [&](std::int64_t first, std::int64_t last, std::int64_t before) {
      T* to = static_cast<T*>(out) + before;
      for (std::int64_t i = first; i < last; ++i) {
        if (chosen.mask()[i]) *to++ = from[i];
      }
    });
  });
}

void expand(std::int64_t item_size, const MaskCount& chosen, const void* source, void* x) {
  dispatch_item(item_size, [&]<class T>() {
    auto* to = static_cast<T*>(x);
    for_each_block(chosen, [&](std::int64_t first, std::int64_t last, std::int64_t before) {
      const T* from = static_cast<const T*>(source) + before;
      for (std::int64_t i = first; i < last; ++i) {
        if (chosen.mask()[i]) to[i] = *from++;
      }
    });
  });
}

void coordinates(const MaskCount& chosen, const Shape& sizes, std::int64_t* out) {
  const int rank = sizes.size();
  if (rank == 0) return;
  for_each_block(chosen, [&](std::int64_t first, std::int64_t last, std::int64_t before) {
    std::array<std::int64_t, max_dims> position{};
    std::int64_t rest = first;
    for (int d = rank - 1; d >= 0; --d) {
      position[static_cast<std::size_t>(d)] = rest % sizes[d];
      rest /= sizes[d];
    }
    std::int64_t* to = out + before * rank;
    for (std::int64_t i = first; i < last; ++i) {
      if (chosen.mask()[i]) to = std::copy_n(position.begin(), rank, to);
      for (int d = rank - 1; d >= 0; --d) {
        if (++position[static_cast<std::size_t>(d)] < sizes[d]) break;
        position[static_cast<std::size_t>(d)] = 0;
      }
    }
  });
}

}  // namespace mica::kernels
