// Rates of the kernels of norms, losses, pooling and optimizers. bytes_per_second counts every array once for
// each time it must be read or written; compare with Copy, the machine's bandwidth with ordinary stores.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/core/parallel.h>
#include <mica/kernels/index.h>
#include <mica/kernels/norm.h>
#include <mica/kernels/optim.h>
#include <mica/kernels/pool.h>
#include <mica/kernels/scratch.h>
#include <mica/kernels/softmax.h>

namespace mica::kernels {
namespace {

// An array of floats, aligned and filled with small values.
struct Array : Scratch<float> {
  explicit Array(std::int64_t count) : Scratch(count), size(count) {
    for (std::int64_t i = 0; i < count; ++i) data()[i] = static_cast<float>(i % 97) * 0.01F;
  }
  std::int64_t size;
};

void set_bytes(benchmark::State& state, std::int64_t floats) {
  state.SetBytesProcessed(state.iterations() * floats * 4);
}

constexpr std::int64_t kLarge = 16 << 20;

void Copy(benchmark::State& state) {
  const Array from(kLarge), to(kLarge);
  for (auto _ : state) {
    parallel_for(0, kLarge, 32768, [&](std::int64_t first, std::int64_t last) {
      // Small pieces, for which memcpy uses ordinary stores.
      for (std::int64_t i = first; i < last; i += 4096) {
        std::memcpy(to.data() + i, from.data() + i,
                    static_cast<std::size_t>(std::min(last - i, std::int64_t{4096})) * 4);
      }
    });
  }
  set_bytes(state, 2 * kLarge);
}
BENCHMARK(Copy)->UseRealTime();

void Softmax(benchmark::State& state) {
  const bool log = state.range(0) != 0;
  const Array x(kLarge), y(kLarge);
  for (auto _ : state) softmax(log, f32, 4096, 4096, 1, x.data(), y.data());
  set_bytes(state, 2 * kLarge);
}
BENCHMARK(Softmax)->ArgName("log")->Arg(0)->Arg(1)->UseRealTime();

void SoftmaxBackward(benchmark::State& state) {
  const bool log = state.range(0) != 0;
  const Array y(kLarge), grad(kLarge), grad_x(kLarge);
  for (auto _ : state) softmax_backward(log, f32, 4096, 4096, 1, y.data(), grad.data(), grad_x.data());
  set_bytes(state, 3 * kLarge);
}
BENCHMARK(SoftmaxBackward)->ArgName("log")->Arg(0)->Arg(1)->UseRealTime();

// (64, 64, 64 * 64), over the channels.
void SoftmaxInner(benchmark::State& state) {
  const Array x(kLarge), y(kLarge);
  for (auto _ : state) softmax(false, f32, 64, 64, 4096, x.data(), y.data());
  set_bytes(state, 2 * kLarge);
}
BENCHMARK(SoftmaxInner)->UseRealTime();

void CrossEntropyForwardAndBackward(benchmark::State& state) {
  const std::int64_t classes = state.range(0), rows = state.range(1);
  const Array logits(rows * classes), grad(rows * classes), losses(rows), lse(rows);
  std::vector<std::int64_t> target(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) target[static_cast<std::size_t>(i)] = i % classes;
  const CrossEntropy c{.outer = rows, .classes = classes, .logits = logits.data(), .target = target.data()};
  const float scale = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cross_entropy(c, losses.data(), lse.data()));
    cross_entropy_backward(c, lse.data(), &scale, false, grad.data());
  }
  set_bytes(state, 3 * logits.size);
}
BENCHMARK(CrossEntropyForwardAndBackward)->Args({10, 128})->Args({32768, 512})->UseRealTime();

void LayerNorm(benchmark::State& state) {
  const std::int64_t rows = state.range(0), n = state.range(1);
  const Array x(rows * n), y(rows * n), gamma(n), beta(n), mean(rows), rstd(rows);
  for (auto _ : state) {
    layer_norm(f32, rows, n, x.data(), gamma.data(), beta.data(), 1e-5, y.data(), mean.data(), rstd.data());
  }
  set_bytes(state, 2 * x.size);
}
BENCHMARK(LayerNorm)->Args({4096, 4096})->Args({32, 256})->UseRealTime();

void LayerNormBackward(benchmark::State& state) {
  const std::int64_t rows = state.range(0), n = state.range(1);
  const Array x(rows * n), grad(rows * n), grad_x(rows * n), gamma(n), mean(rows), rstd(rows), grads(2 * n);
  for (auto _ : state) {
    layer_norm_backward(f32, rows, n, grad.data(), x.data(), gamma.data(), mean.data(), rstd.data(),
                        grad_x.data(), grads.data(), grads.data() + n);
  }
  set_bytes(state, 3 * x.size);
}
BENCHMARK(LayerNormBackward)->Args({4096, 4096})->Args({32, 256})->UseRealTime();

BatchNormShape batch_norm_shape(const benchmark::State& state) {
  return {.layout = state.range(0) != 0 ? Layout::channels_last : Layout::channels_first,
          .batch = 64,
          .channels = 32,
          .spatial = 26 * 26};
}

void BatchNormForward(benchmark::State& state) {
  const BatchNormShape s = batch_norm_shape(state);
  const std::int64_t size = s.batch * s.channels * s.spatial;
  const Array x(size), y(size), channel(4 * 32);
  float* c = channel.data();
  for (auto _ : state) {
    batch_norm_stats(s, x.data(), c, c + 32);
    batch_norm_apply(s, x.data(), c, c + 32, c + 64, c + 96, y.data());
  }
  set_bytes(state, 3 * size);
}
BENCHMARK(BatchNormForward)->ArgName("channels_last")->Arg(0)->Arg(1)->UseRealTime();

void BatchNormBackward(benchmark::State& state) {
  const BatchNormShape s = batch_norm_shape(state);
  const std::int64_t size = s.batch * s.channels * s.spatial;
  const Array x(size), grad(size), grad_x(size), channel(5 * 32);
  float* c = channel.data();
  for (auto _ : state) {
    batch_norm_backward(s, true, grad.data(), x.data(), c, c + 32, c + 64, grad_x.data(), c + 96, c + 128);
  }
  set_bytes(state, 5 * size);
}
BENCHMARK(BatchNormBackward)->ArgName("channels_last")->Arg(0)->Arg(1)->UseRealTime();

Pool2d pool_shape(const benchmark::State& state) {
  return {.layout = state.range(0) != 0 ? Layout::channels_last : Layout::channels_first,
          .batch = 64,
          .channels = 64,
          .in_h = 24,
          .in_w = 24,
          .out_h = 12,
          .out_w = 12,
          .kernel_h = 2,
          .kernel_w = 2,
          .stride_h = 2,
          .stride_w = 2};
}

void MaxPool(benchmark::State& state) {
  const Pool2d p = pool_shape(state);
  const std::int64_t in = 64 * 64 * 24 * 24, out = in / 4;
  const Array x(in), y(out);
  const Scratch<std::int32_t> indices(out);
  for (auto _ : state) max_pool2d(p, x.data(), y.data(), indices.data());
  set_bytes(state, in + 2 * out);
}
BENCHMARK(MaxPool)->ArgName("channels_last")->Arg(0)->Arg(1)->UseRealTime();

void MaxPoolBackward(benchmark::State& state) {
  const Pool2d p = pool_shape(state);
  const std::int64_t in = 64 * 64 * 24 * 24, out = in / 4;
  const Array x(in), y(out), grad_x(in);
  const Scratch<std::int32_t> indices(out);
  max_pool2d(p, x.data(), y.data(), indices.data());
  for (auto _ : state) max_pool2d_backward(p, y.data(), indices.data(), grad_x.data());
  set_bytes(state, in + 2 * out);
}
BENCHMARK(MaxPoolBackward)->ArgName("channels_last")->Arg(0)->Arg(1)->UseRealTime();

void AveragePool(benchmark::State& state) {
  const Pool2d p = pool_shape(state);
  const std::int64_t in = 64 * 64 * 24 * 24, out = in / 4;
  const Array x(in), y(out);
  for (auto _ : state) avg_pool2d(p, x.data(), y.data());
  set_bytes(state, in + out);
}
BENCHMARK(AveragePool)->ArgName("channels_last")->Arg(0)->Arg(1)->UseRealTime();

// range(0) tensors of range(1) floats.
void Adam(benchmark::State& state) {
  const std::int64_t size = state.range(1), total = state.range(0) * size;
  const Array param(total), grad(total), exp_avg(total), exp_avg_sq(total);
  const AdamRule rule{.beta1 = 0.9,
                      .beta2 = 0.999,
                      .eps = 1e-8,
                      .weight_decay = 0,
                      .shrink = 1 - 1e-5,
                      .step_size = 1e-3,
                      .sqrt_correction2 = 0.1,
                      .amsgrad = false,
                      .maximize = false};
  std::vector<OptimTensor<AdamRule>> tensors;
  for (std::int64_t i = 0; i < total; i += size) {
    tensors.push_back({f32,
                       size,
                       param.data() + i,
                       grad.data() + i,
                       {exp_avg.data() + i, exp_avg_sq.data() + i, nullptr},
                       rule});
  }
  for (auto _ : state) optim_step(OptimTensors<AdamRule>(tensors));
  set_bytes(state, 7 * total);
}
BENCHMARK(Adam)->Args({1, kLarge})->Args({40, 256})->Args({8, 16384})->UseRealTime();

void SgdMomentum(benchmark::State& state) {
  const std::int64_t size = state.range(1), total = state.range(0) * size;
  const Array param(total), grad(total), momentum(total);
  const SgdRule rule{.lr = 1e-3,
                     .momentum = 0.9,
                     .dampening = 0,
                     .weight_decay = 1e-4,
                     .nesterov = false,
                     .maximize = false,
                     .first = false};
  std::vector<OptimTensor<SgdRule>> tensors;
  for (std::int64_t i = 0; i < total; i += size) {
    tensors.push_back(
        {f32, size, param.data() + i, grad.data() + i, {momentum.data() + i, nullptr, nullptr}, rule});
  }
  for (auto _ : state) optim_step(OptimTensors<SgdRule>(tensors));
  set_bytes(state, 5 * total);
}
BENCHMARK(SgdMomentum)->Args({1, kLarge})->Args({40, 256})->UseRealTime();

// A vocabulary of 32768 rows of 256 floats, 8192 tokens.
void EmbeddingGather(benchmark::State& state) {
  const Array table(32768 * 256), out(8192 * 256);
  std::vector<std::int64_t> indices(8192);
  for (std::size_t i = 0; i < indices.size(); ++i)
    indices[i] = static_cast<std::int64_t>(i * 2654435761U % 32768);
  for (auto _ : state) gather_rows(8192, 1024, table.data(), indices.data(), out.data());
  set_bytes(state, 2 * out.size);
}
BENCHMARK(EmbeddingGather)->UseRealTime();

void EmbeddingScatterAdd(benchmark::State& state) {
  const Array table(32768 * 256), grad(8192 * 256);
  std::vector<std::int64_t> indices(8192);
  for (std::size_t i = 0; i < indices.size(); ++i)
    indices[i] = static_cast<std::int64_t>(i * 2654435761U % 32768);
  for (auto _ : state) scatter_add_rows(f32, 8192, 32768, 256, grad.data(), indices.data(), -1, table.data());
  set_bytes(state, table.size + 3 * grad.size);
}
BENCHMARK(EmbeddingScatterAdd)->UseRealTime();

}  // namespace
}  // namespace mica::kernels

BENCHMARK_MAIN();
