// Elementwise kernels and reductions against the copy bandwidth of the machine, at sizes that live in
// registers, in the first-level cache and in memory.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/core/parallel.h>
#include <mica/kernels/copy.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/reduce.h>

namespace {

using namespace mica;
using namespace mica::kernels;

constexpr std::int64_t small = 16;
constexpr std::int64_t medium = 4096;
constexpr std::int64_t large = 16 << 20;

// Floats on pages of their own, all touched.
class Floats {
 public:
  explicit Floats(std::int64_t count, float value = 0.5F) : data_(allocate(count)) {
    std::fill_n(data_.get(), count, value);
    for (std::int64_t i = 0; i < count; ++i)
      data_[static_cast<std::size_t>(i)] += static_cast<float>(i % 17) * 0.1F;
  }
  float* get() { return data_.get(); }

 private:
  static constexpr std::align_val_t alignment{2 << 20};
  struct Free {
    void operator()(float* p) const { ::operator delete[](p, alignment); }
  };
  static float* allocate(std::int64_t count) {
    return static_cast<float*>(::operator new[](static_cast<std::size_t>(count) * sizeof(float), alignment));
  }
  std::unique_ptr<float[], Free> data_;
};

void report(benchmark::State& state, std::int64_t bytes) {
  state.SetBytesProcessed(state.iterations() * bytes);
}

void plain_copy(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  Floats y(n);
  for (auto _ : state) {
    parallel_for(0, n, 32768, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) y.get()[i] = x.get()[i];
      benchmark::ClobberMemory();
    });
  }
  report(state, 8 * n);
}

void streamed_copy(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  Floats y(n);
  for (auto _ : state) {
    parallel_for(0, n, 32768, [&](std::int64_t first, std::int64_t last) {
      stream_copy(y.get() + first, x.get() + first, 4 * (last - first));
    });
  }
  report(state, 8 * n);
}

void run_unary(benchmark::State& state, Unary op) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  Floats y(n);
  const Shape sizes{n};
  const In in{x.get(), {1}};
  const Out out{y.get(), {1}};
  for (auto _ : state) unary(op, f32, sizes, in, out);
  report(state, 8 * n);
}

void run_unary_in_place(benchmark::State& state, Unary op) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  for (auto _ : state) unary(op, f32, {n}, {x.get(), {1}}, {x.get(), {1}});
  report(state, 8 * n);
}

void run_binary(benchmark::State& state, Binary op) {
  const std::int64_t n = state.range(0);
  Floats a(n);
  Floats b(n);
  Floats y(n);
  for (auto _ : state) binary(op, f32, {n}, {a.get(), {1}}, {b.get(), {1}}, {y.get(), {1}});
  report(state, 12 * n);
}

void add_bias(benchmark::State& state) {  // (n / 256, 256) + (256)
  const std::int64_t n = state.range(0);
  Floats a(n);
  Floats b(256);
  Floats y(n);
  for (auto _ : state) {
    binary(Binary::add, f32, {n / 256, 256}, {a.get(), {256, 1}}, {b.get(), {0, 1}}, {y.get(), {256, 1}});
  }
  report(state, 8 * n);
}

void copy(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  Floats y(n);
  for (auto _ : state) convert({n}, f32, {x.get(), {1}}, f32, {y.get(), {1}});
  report(state, 8 * n);
}

void transpose(benchmark::State& state, DType dtype) {
  const std::int64_t n = state.range(0);
  Floats x(n * n * 2);
  Floats y(n * n * 2);
  for (auto _ : state) convert({n, n}, dtype, {x.get(), {1, n}}, dtype, {y.get(), {n, 1}});
  report(state, 2 * n * n * static_cast<std::int64_t>(item_size(dtype)));
}

void convert_to(benchmark::State& state, DType from, DType to) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  Floats y(n);
  for (auto _ : state) convert({n}, from, {x.get(), {1}}, to, {y.get(), {1}});
  report(state, n * static_cast<std::int64_t>(item_size(from) + item_size(to)));
}

void run_compare(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  Floats a(n);
  Floats b(n);
  Floats y(n / 4 + 1);
  for (auto _ : state) compare(Compare::lt, f32, {n}, {a.get(), {1}}, {b.get(), {1}}, {y.get(), {1}});
  report(state, 9 * n);
}

void reduce_all(benchmark::State& state, Reduce op) {
  const std::int64_t n = state.range(0);
  Floats x(n);
  float result = 0;
  for (auto _ : state) {
    reduce(op, f32, {n}, {x.get(), {1}}, 1, &result);
    benchmark::DoNotOptimize(result);
  }
  report(state, 4 * n);
}

void reduce_matrix(benchmark::State& state, std::uint32_t dims) {
  const std::int64_t rows = state.range(0);
  const std::int64_t columns = state.range(1);
  Floats x(rows * columns);
  Floats y(std::max(rows, columns));
  for (auto _ : state) reduce(Reduce::sum, f32, {rows, columns}, {x.get(), {columns, 1}}, dims, y.get());
  report(state, 4 * rows * columns);
}

void argmax_rows(benchmark::State& state, int dim) {
  const std::int64_t rows = state.range(0);
  const std::int64_t columns = state.range(1);
  Floats x(rows * columns);
  std::vector<std::int64_t> index(static_cast<std::size_t>(std::max(rows, columns)));
  for (auto _ : state)
    arg_reduce(true, f32, {rows, columns}, {x.get(), {columns, 1}}, dim, nullptr, index.data());
  report(state, 4 * rows * columns);
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(small)->Arg(medium)->Arg(large)->UseRealTime(); }

BENCHMARK(plain_copy)->Apply(sizes);
BENCHMARK(streamed_copy)->Apply(sizes);
BENCHMARK(copy)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, relu, Unary::relu)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, exp, Unary::exp)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, log, Unary::log)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, tanh, Unary::tanh)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, sigmoid, Unary::sigmoid)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, gelu, Unary::gelu)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary, gelu_tanh, Unary::gelu_tanh)->Apply(sizes);
BENCHMARK_CAPTURE(run_unary_in_place, relu, Unary::relu)->Apply(sizes);
BENCHMARK_CAPTURE(run_binary, add, Binary::add)->Apply(sizes);
BENCHMARK_CAPTURE(run_binary, gelu_backward, Binary::gelu_backward)->Apply(sizes);
BENCHMARK(add_bias)->Arg(medium)->Arg(large)->UseRealTime();
BENCHMARK(run_compare)->Apply(sizes);
BENCHMARK_CAPTURE(convert_to, f32_bf16, f32, bf16)->Apply(sizes);
BENCHMARK_CAPTURE(convert_to, bf16_f32, bf16, f32)->Apply(sizes);
BENCHMARK_CAPTURE(convert_to, f32_f16, f32, f16)->Apply(sizes);
BENCHMARK_CAPTURE(convert_to, f16_f32, f16, f32)->Apply(sizes);
BENCHMARK_CAPTURE(transpose, f32, f32)->Arg(64)->Arg(4096)->UseRealTime();
BENCHMARK_CAPTURE(transpose, f64, f64)->Arg(64)->Arg(2048)->UseRealTime();
BENCHMARK_CAPTURE(transpose, bf16, bf16)->Arg(64)->Arg(4096)->UseRealTime();
BENCHMARK_CAPTURE(reduce_all, sum, Reduce::sum)->Apply(sizes);
BENCHMARK_CAPTURE(reduce_all, max, Reduce::max)->Apply(sizes);
BENCHMARK_CAPTURE(reduce_matrix, rows, 2U)
    ->Args({64, 64})
    ->Args({20000, 768})
    ->Args({4, 4 << 20})
    ->UseRealTime();
BENCHMARK_CAPTURE(reduce_matrix, columns, 1U)
    ->Args({64, 64})
    ->Args({20000, 768})
    ->Args({1 << 20, 8})
    ->Args({4, 4 << 20})
    ->UseRealTime();
BENCHMARK_CAPTURE(argmax_rows, rows, 1)->Args({64, 10})->Args({16384, 1000})->Args({1, large})->UseRealTime();
BENCHMARK_CAPTURE(argmax_rows, columns, 0)->Args({1000, 16384})->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
