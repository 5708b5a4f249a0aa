#include <array>
#include <cstddef>
#include <cstdlib>

#include <mica/core/parallel.h>
#include <mica/kernels/onednn/heap.h>

namespace mica::kernels::onednn {

namespace {

// Of pieces of each size that an alignment to 128 bytes can leave.
void fill_cache_of_pieces() {
  constexpr std::size_t smallest = 24, largest = 168, step = 16;
  for (std::size_t size = smallest; size <= largest; size += step) {
    std::array<void* volatile, 7> pieces;  // volatile: else the compiler leaves both out
    for (auto& piece : pieces) piece = std::malloc(size);
    for (auto& piece : pieces) std::free(piece);
  }
}

}  // namespace

void keep_heap_whole() {
  constinit thread_local bool filled = false;
  constinit thread_local int team = 0;
  if (team >= num_threads()) return;
  team = num_threads();
  parallel_for(0, team, 1, [](std::int64_t, std::int64_t) {
    if (!filled) fill_cache_of_pieces();
    filled = true;
  });
}

}  // namespace mica::kernels::onednn
