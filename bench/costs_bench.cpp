// The figures of docs/performance.md: what Mica does in one piece beside the same out of smaller operations,
// and what is slow beside what is like it. Compare within one run.
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/mica.h>

namespace {

using namespace mica;

template <class F> void repeat(benchmark::State& state, F f) {
  f();  // the memory is there, the primitives are made
  for (auto _ : state) f();
}
template <class F> void forward(benchmark::State& state, F f) {
  const NoGrad no_grad;
  repeat(state, [&] { benchmark::DoNotOptimize(f()); });
}
template <class F> void forward_backward(benchmark::State& state, const std::vector<Tensor>& inputs, F f) {
  const Tensor y = f(), grad = randn(y.sizes());
  repeat(state, [&] {
    const Tensor result = f();
    benchmark::DoNotOptimize(autograd::grad({&result, 1}, inputs, {&grad, 1}));
  });
}

// --- in one piece, or apart ---

// relu(x + y): the sum's memory is the result's, unless the sum has a name.
void temporary(benchmark::State& state, bool named) {
  const Tensor x = randn({state.range(0)}), y = randn(x.sizes());
  if (!named) return forward(state, [&] { return relu(x + y); });
  forward(state, [&] {
    const Tensor sum = x + y;
    return relu(sum);
  });
}

// (8, 8, L, 64)
void attention(benchmark::State& state, bool apart) {
  const auto operand = [&] { return randn({8, 8, state.range(0), 64}).requires_grad_(); };
  const std::vector<Tensor> qkv{operand(), operand(), operand()};
  forward_backward(state, qkv, [&] {
    return apart ? matmul(softmax(matmul(qkv[0] * 0.125, qkv[1].transpose(-1, -2)), -1), qkv[2])
                 : scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  });
}

// 64 steps of a batch of 32, 128 -> 256.
void lstm(benchmark::State& state, bool apart) {
  nn::LSTM layer{128, 256};
  nn::LSTMCell cell{128, 256};
  const Tensor x = randn({64, 32, 128});
  const auto parameters = apart ? cell.parameters() : layer.parameters();
  forward_backward(state, {parameters.begin(), parameters.end()}, [&] {
    if (!apart) return layer(x).first;
    std::vector<Tensor> all;
    all.reserve(64);
    nn::LSTMState now{zeros({32, 256}), zeros({32, 256})};
    for (std::int64_t t = 0; t < 64; ++t) {
      now = cell(x.select(0, t), now);
      all.push_back(now.first);
    }
    return stack(all, 0);
  });
}

// A step of `range(0)` tensors of `range(1)` elements.
void adam(benchmark::State& state, bool apart) {
  std::vector<Tensor> all, first, second;
  for (auto* list : {&all, &first, &second}) list->reserve(static_cast<std::size_t>(state.range(0)));
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    all.push_back(nn::Parameter(randn({state.range(1)})));
    all.back().set_grad(randn({state.range(1)}));
    first.push_back(zeros({state.range(1)}));
    second.push_back(zeros({state.range(1)}));
  }
  optim::Adam together{all};
  const NoGrad no_grad;
  repeat(state, [&] {
    if (!apart) return together.step();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Tensor g = all[i].grad();
      first[i].mul_(0.9).add_(g * 0.1);
      second[i].mul_(0.999).add_(g * g * 0.001);
      all[i].sub_(first[i] / (sqrt(second[i]) + 1e-8) * 1e-3);
    }
  });
}

// (128, 32768)
void cross_entropy(benchmark::State& state, bool apart) {
  const Tensor x = randn({128, 32768}).requires_grad_(), target = randint(0, 32768, {128});
  forward_backward(state, {x}, [&] {
    return apart ? -log_softmax(x, 1).gather(1, target.unsqueeze(1)).mean() : nn::cross_entropy(x, target);
  });
}

// 3 x 3, 64 channels to 64, (16, 64, 32, 32) in either order.
void convolution(benchmark::State& state, bool channels_first) {
  const Tensor last = randn({16, 32, 32, 64}).permute({0, 3, 1, 2}), w = randn({64, 64, 3, 3});
  const Tensor x = channels_first ? last.contiguous() : last;
  forward(state, [&] { return conv2d(x, w, {}, {.padding = 1}); });
}

// 3 x 3, 8 channels to 8, over images of so many widths in turn: 256 primitives are kept.
void convolution_of_widths(benchmark::State& state, bool too_many) {
  const Tensor w = randn({8, 8, 3, 3});
  std::vector<Tensor> images;
  const std::int64_t count = too_many ? 300 : 200;
  images.reserve(static_cast<std::size_t>(count));
  for (std::int64_t width = 166 - count / 2; width < 166 + count / 2; ++width)
    images.push_back(randn({1, 8, 16, width}));
  std::size_t next = 0;
  for (const Tensor& x : images) conv2d(x, w);
  forward(state, [&] { return conv2d(images[next++ % images.size()], w); });
}

#define MICA_BENCH_PAIR(name, first, second)                                           \
  BENCHMARK_CAPTURE(name, first, false)->UseRealTime()->Unit(benchmark::kMicrosecond); \
  BENCHMARK_CAPTURE(name, second, true)->UseRealTime()->Unit(benchmark::kMicrosecond)
BENCHMARK_CAPTURE(temporary, reused, false)
    ->Arg(1 << 16)
    ->Arg(1 << 24)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(temporary, named, true)
    ->Arg(1 << 16)
    ->Arg(1 << 24)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(attention, fused, false)->Arg(128)->Arg(1024)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(attention, apart, true)->Arg(128)->Arg(1024)->UseRealTime()->Unit(benchmark::kMicrosecond);
MICA_BENCH_PAIR(lstm, layer, cells);
BENCHMARK_CAPTURE(adam, fused, false)
    ->Args({40, 256})
    ->Args({1, 1 << 22})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(adam, apart, true)
    ->Args({40, 256})
    ->Args({1, 1 << 22})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
MICA_BENCH_PAIR(cross_entropy, fused, apart);
MICA_BENCH_PAIR(convolution, channels_last, channels_first);
MICA_BENCH_PAIR(convolution_of_widths, kept, made_again);

// --- slow ---

// 4096 rows of 1024, both ways.
void norm(benchmark::State& state, bool rms) {
  const Tensor x = randn({4096, 1024}).requires_grad_(), w = randn({1024}).requires_grad_();
  forward_backward(state, {x, w}, [&] { return rms ? rms_norm(x, {1024}, w) : layer_norm(x, {1024}, w); });
}

// (32, 64, 28, 28) to 14 x 14, and to 13 x 13, whose windows overlap.
void adaptive_max_pool(benchmark::State& state, bool uneven) {
  const Tensor x = randn({32, 64, 28, 28});
  forward(state, [&] { return adaptive_max_pool2d(x, {uneven ? 13 : 14}); });
}

// 512 points and 512, 64 numbers each.
void distances(benchmark::State& state, bool composed) {
  const Tensor x = randn({512, 64}), y = randn({512, 64});
  forward(state, [&] { return cdist(x, y, {.p = composed ? 1.0 : 2.0}); });
}

// 4M floats.
void drop(benchmark::State& state, bool training) {
  const Tensor x = randn({1 << 22});
  forward(state, [&] { return training ? dropout(x, 0.1) : x * 1.25; });
}

// 4096 bags of 32 rows of 64.
void bags(benchmark::State& state, bool bag) {
  const Tensor weight = randn({10000, 64}), at = randint(0, 10000, {4096, 32});
  forward(state, [&] { return bag ? embedding_bag(at, weight) : embedding(at, weight); });
}

MICA_BENCH_PAIR(norm, layer, rms);
MICA_BENCH_PAIR(adaptive_max_pool, even, uneven);
MICA_BENCH_PAIR(distances, p2, p1);
MICA_BENCH_PAIR(drop, scaling, dropout);
MICA_BENCH_PAIR(bags, rows, means);

}  // namespace

BENCHMARK_MAIN();
