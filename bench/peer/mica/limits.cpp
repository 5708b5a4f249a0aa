// What the machine can do at most, for the tables' "share of the limit".
#include <cstring>
#include <vector>

#include <mica/core/parallel.h>

#include "workloads.h"

namespace peer {

namespace {

typedef float Lanes __attribute__((vector_size(64)));

// Sixteen independent chains of multiply-adds, as many as hide their latency.
__attribute__((target_clones("avx512f", "arch=haswell", "default"))) float chains(std::int64_t rounds,
                                                                                  float start) {
  Lanes sums[16];
  for (int i = 0; i < 16; ++i) sums[i] = Lanes{} + start + static_cast<float>(i);
  const Lanes factor = Lanes{} + 0.999F, summand = Lanes{} + 0.001F;
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Lanes& s : sums) s = s * factor + summand;
  }
  Lanes total{};
  for (const Lanes& s : sums) total += s;
  return total[0];
}

}  // namespace

// 2^31 floating-point operations a thread; a copy of 64 MiB.
void add_limits(Workloads& all) {
  all.push_back(
      {"limit_flops", [](const Settings& settings) {
         auto sums = std::make_shared<std::vector<float>>(settings.threads);
         return Step{[=] {
                       mica::parallel_for(0, settings.threads, 1, [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i)
                           (*sums)[static_cast<std::size_t>(i)] = chains(1 << 22, static_cast<float>(i));
                       });
                     },
                     [=] { return static_cast<double>((*sums)[0]); }};
       }});
  all.push_back(
      {"limit_copy", [](const Settings& settings) {
         const mica::Tensor from = mica::ones({1 << 24}), to = mica::empty({1 << 24});
         return Step{[=] {
                       mica::parallel_for(0, settings.threads, 1, [&](std::int64_t begin, std::int64_t end) {
                         const std::size_t part =
                             from.data<float>().size() / static_cast<std::size_t>(settings.threads);
                         for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);
                              ++i)
                           std::memcpy(to.data<float>().data() + i * part,
                                       from.data<float>().data() + i * part, part * sizeof(float));
                       });
                     },
                     [=] { return static_cast<double>(to.data<float>()[0]); }};
       }});
}

}  // namespace peer
