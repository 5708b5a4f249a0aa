// What the machine can do at most, for the tables' "share of the limit".
#include <vector>

#include <mica/core/parallel.h>

#include "workloads.h"

namespace peer {

namespace {

typedef float Lanes __attribute__((vector_size(64)));

// Independent chains of multiply-adds: as many as hide their latency and still fit the registers.
template <int Count> __attribute__((always_inline)) inline float chains(std::int64_t rounds, float start) {
  Lanes sums[Count];
  for (int i = 0; i < Count; ++i) sums[i] = Lanes{} + start + static_cast<float>(i);
  const Lanes factor = Lanes{} + 0.999F, summand = Lanes{} + 0.001F;
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Lanes& s : sums) s = s * factor + summand;
  }
  Lanes total{};
  for (const Lanes& s : sums) total += s;
  return total[0];
}

constexpr std::int64_t flops_of_thread = std::int64_t{1} << 31;
template <int Count> constexpr std::int64_t rounds_of = flops_of_thread / (Count * 16 * 2);

__attribute__((target("avx512f"))) float chains_avx512(float start) {
  return chains<16>(rounds_of<16>, start);
}
__attribute__((target("avx2,fma"))) float chains_avx2(float start) { return chains<6>(rounds_of<6>, start); }
float chains_plain(float start) { return chains<3>(rounds_of<3>, start); }

// Around the caches, as the library writes large results; no wider than a cache line's quarter is needed.
void copy_around_caches(const float* from, float* to, std::size_t count) {
  typedef float Quarter __attribute__((vector_size(16)));
  for (std::size_t i = 0; i < count; i += 4)
    __builtin_nontemporal_store(*reinterpret_cast<const Quarter*>(from + i),
                                reinterpret_cast<Quarter*>(to + i));
}

}  // namespace

// 2^31 floating-point operations a thread; a copy of 64 MiB.
void add_limits(Workloads& all) {
  all.push_back({"limit_flops", [](const Settings& settings) {
                   const auto best = __builtin_cpu_supports("avx512f") ? chains_avx512
                                     : __builtin_cpu_supports("fma")   ? chains_avx2
                                                                       : chains_plain;
                   auto sums = std::make_shared<std::vector<float>>(settings.threads);
                   return Step{[=] {
                                 mica::parallel_for(
                                     0, settings.threads, 1, [&](std::int64_t begin, std::int64_t end) {
                                       for (std::int64_t i = begin; i < end; ++i)
                                         (*sums)[static_cast<std::size_t>(i)] = best(static_cast<float>(i));
                                     });
                               },
                               [=] { return static_cast<double>((*sums)[0]); }};
                 }});
  all.push_back({"limit_copy", [](const Settings& settings) {
                   const mica::Tensor from = mica::ones({1 << 24}), to = mica::empty({1 << 24});
                   return Step{[=] {
                                 mica::parallel_for(
                                     0, settings.threads, 1, [&](std::int64_t begin, std::int64_t end) {
                                       const std::size_t part = from.data<float>().size() /
                                                                static_cast<std::size_t>(settings.threads);
                                       for (auto i = static_cast<std::size_t>(begin);
                                            i < static_cast<std::size_t>(end); ++i)
                                         copy_around_caches(from.data<float>().data() + i * part,
                                                            to.data<float>().data() + i * part, part);
                                     });
                               },
                               [=] { return static_cast<double>(to.data<float>()[0]); }};
                 }});
}

}  // namespace peer
