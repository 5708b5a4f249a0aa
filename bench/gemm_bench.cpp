// Matrix products: through the kernels, and oneDNN's sgemm called directly for comparison.
#include <vector>

#include <benchmark/benchmark.h>
#include <dnnl.hpp>

#include <mica/core/parallel.h>
#include <mica/kernels/gemm.h>

namespace {

using mica::kernels::Gemm;

std::vector<float> ones(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count), 1.0F);
}

void count_flops(benchmark::State& state, std::int64_t multiplications) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(multiplications),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

// Arguments: m, n, k, trans_a, trans_b, batch.
void gemm(benchmark::State& state) {
  Gemm g{.trans_a = state.range(3) != 0,
         .trans_b = state.range(4) != 0,
         .m = state.range(0),
         .n = state.range(1),
         .k = state.range(2)};
  g.batch = state.range(5);
  const std::vector<float> a = ones(g.batch * g.m * g.k), b = ones(g.batch * g.k * g.n);
  std::vector<float> c = ones(g.batch * g.m * g.n);
  g.a = a.data(), g.b = b.data(), g.c = c.data();
  g.lda = g.trans_a ? g.m : g.k, g.ldb = g.trans_b ? g.k : g.n, g.ldc = g.n;
  g.batch_stride_a = g.m * g.k, g.batch_stride_b = g.k * g.n, g.batch_stride_c = g.m * g.n;
  for (auto _ : state) mica::kernels::gemm(g);
  count_flops(state, g.batch * g.m * g.n * g.k);
}

void dnnl_sgemm_direct(benchmark::State& state) {
  const std::int64_t m = state.range(0), n = state.range(1), k = state.range(2), batch = state.range(5);
  const bool trans_a = state.range(3) != 0, trans_b = state.range(4) != 0;
  const std::vector<float> a = ones(batch * m * k), b = ones(batch * k * n);
  std::vector<float> c = ones(batch * m * n);
  mica::sync_openmp_threads();
  for (auto _ : state) {
    for (std::int64_t i = 0; i < batch; ++i) {
      dnnl::sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, 1, a.data() + i * m * k, trans_a ? m : k,
                  b.data() + i * k * n, trans_b ? k : n, 0, c.data() + i * m * n, n);
    }
  }
  count_flops(state, batch * m * n * k);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"m", "n", "k", "ta", "tb", "batch"})->UseRealTime();
  for (const std::int64_t tb : {0, 1}) b->Args({1024, 1024, 1024, 0, tb, 1});
  b->Args({1024, 1024, 1024, 1, 0, 1});
  b->Args({784, 512, 128, 1, 0, 1});  // weight gradient of linear
  b->Args({128, 784, 512, 0, 0, 1});  // its input gradient
  for (const std::int64_t n : {16, 32, 48, 64}) b->Args({n, n, n, 0, 0, 1});
  for (const std::int64_t tb : {0, 1}) b->Args({64, 64, 128, 0, tb, 64});  // batched
  b->Args({128, 128, 64, 0, 1, 96})->Args({128, 64, 128, 0, 0, 96});       // attention: scores, values
}
BENCHMARK(gemm)->Apply(shapes);
BENCHMARK(dnnl_sgemm_direct)->Apply(shapes);

void gemm_f64(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const std::vector<double> a(static_cast<std::size_t>(n * n), 1.0), b = a;
  std::vector<double> c = a;
  const Gemm g{.dtype = mica::f64,
               .trans_b = state.range(1) != 0,
               .m = n,
               .n = n,
               .k = n,
               .a = a.data(),
               .b = b.data(),
               .c = c.data(),
               .lda = n,
               .ldb = n,
               .ldc = n};
  for (auto _ : state) mica::kernels::gemm(g);
  count_flops(state, n * n * n);
}
BENCHMARK(gemm_f64)->ArgNames({"n", "tb"})->ArgsProduct({{64, 256, 1024}, {0, 1}})->UseRealTime();

// Arguments: rows, in, out.
void linear(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const std::vector<float> x = ones(rows * in), weight = ones(out * in), bias = ones(out);
  std::vector<float> y = ones(rows * out);
  for (auto _ : state) {
    mica::kernels::linear(mica::f32, rows, in, out, x.data(), weight.data(), bias.data(), y.data());
  }
  count_flops(state, rows * in * out);
}

// The alternative that linear() was measured against: bias first, then a product that adds to it.
void linear_by_sgemm(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const std::vector<float> x = ones(rows * in), weight = ones(out * in), bias = ones(out);
  std::vector<float> y = ones(rows * out);
  mica::sync_openmp_threads();
  for (auto _ : state) {
    for (std::int64_t i = 0; i < rows; ++i) std::copy(bias.begin(), bias.end(), y.begin() + i * out);
    dnnl::sgemm('N', 'T', rows, out, in, 1, x.data(), in, weight.data(), in, 1, y.data(), out);
  }
  count_flops(state, rows * in * out);
}

void layers(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out"})->UseRealTime();
  for (const std::int64_t rows : {1, 4, 8, 32}) b->Args({rows, 16, 16});
  b->Args({32, 16, 64})->Args({32, 64, 64})->Args({32, 64, 4})->Args({128, 512, 10});
  for (const std::int64_t rows : {1, 4, 8}) b->Args({rows, 1024, 1024});
  b->Args({128, 784, 512})->Args({64, 9216, 128})->Args({8192, 256, 1024});
}
BENCHMARK(linear)->Apply(layers);
BENCHMARK(linear_by_sgemm)->Apply(layers);

}  // namespace

BENCHMARK_MAIN();
