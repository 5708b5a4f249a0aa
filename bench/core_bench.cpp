// What tensors cost before they compute: memory, threads, random numbers.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/core/allocator.h>
#include <mica/core/parallel.h>
#include <mica/core/random.h>

namespace mica {
namespace {

void allocate_and_deallocate(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = allocate(bytes);
    benchmark::DoNotOptimize(block);
    deallocate(block, bytes);
  }
}
BENCHMARK(allocate_and_deallocate)->Arg(64)->Arg(4 << 10)->Arg(256 << 10)->Arg(1 << 20)->Arg(64 << 20);
BENCHMARK(allocate_and_deallocate)->Arg(64)->Arg(1 << 20)->Threads(2);

// Many blocks live at once: they come and go through the shared pool.
void allocate_many(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::vector<void*> blocks(1000);
  for (auto _ : state) {
    for (void*& block : blocks) block = allocate(bytes);
    for (void* block : blocks) deallocate(block, bytes);
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(blocks));
}
BENCHMARK(allocate_many)->Arg(64)->Arg(4 << 10);

// One byte in each page: what the first use of fresh memory costs, were it not kept.
void touch_64_mebibytes(benchmark::State& state) {
  constexpr std::size_t bytes = 64 << 20;
  const bool keep = state.range(0) != 0;
  for (auto _ : state) {
    auto* block = static_cast<unsigned char*>(allocate(bytes));
    for (std::size_t i = 0; i < bytes; i += 4096) block[i] = 1;
    benchmark::ClobberMemory();
    deallocate(block, bytes);
    if (!keep) empty_cache();
  }
}
BENCHMARK(touch_64_mebibytes)->ArgName("keep")->Arg(0)->Arg(1);

void parallel_for_of(benchmark::State& state) {
  const std::int64_t items = state.range(0);
  for (auto _ : state) {
    parallel_for(0, items, 1000, [](std::int64_t first, std::int64_t last) {
      benchmark::DoNotOptimize(first);
      benchmark::DoNotOptimize(last);
    });
  }
}
BENCHMARK(parallel_for_of)->ArgName("grains_of_1000")->Arg(1000)->Arg(2000)->UseRealTime();

void sync_openmp(benchmark::State& state) {
  for (auto _ : state) sync_openmp_threads();
}
BENCHMARK(sync_openmp);

// Values per second of fill(out, generator).
template <class T, class Fill> void fill_rate(benchmark::State& state, Fill fill) {
  std::vector<T> out(100000);
  Generator generator;
  for (auto _ : state) {
    fill(out, generator);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(out));
}

void uniform_f32(benchmark::State& state) {
  fill_rate<float>(state, [](auto& out, Generator& g) { fill_uniform(std::span(out), 0, 1, g); });
}
void uniform_f64(benchmark::State& state) {
  fill_rate<double>(state, [](auto& out, Generator& g) { fill_uniform(std::span(out), 0, 1, g); });
}
void normal_f32(benchmark::State& state) {
  fill_rate<float>(state, [](auto& out, Generator& g) { fill_normal(std::span(out), 0, 1, g); });
}
void normal_f64(benchmark::State& state) {
  fill_rate<double>(state, [](auto& out, Generator& g) { fill_normal(std::span(out), 0, 1, g); });
}
void bernoulli(benchmark::State& state) {
  fill_rate<std::uint8_t>(state, [](auto& out, Generator& g) { fill_bernoulli(out, 0.1, g); });
}
void randint(benchmark::State& state) {
  fill_rate<std::int64_t>(state, [](auto& out, Generator& g) { fill_randint(out, 0, 1000, g); });
}
void randperm(benchmark::State& state) {
  fill_rate<std::int64_t>(state, [](auto& out, Generator& g) { fill_randperm(out, g); });
}
BENCHMARK(uniform_f32);
BENCHMARK(uniform_f64);
BENCHMARK(normal_f32);
BENCHMARK(normal_f64);
BENCHMARK(bernoulli);
BENCHMARK(randint);
BENCHMARK(randperm);

}  // namespace
}  // namespace mica

BENCHMARK_MAIN();
