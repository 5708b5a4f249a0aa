// Whole steps of transformers, and attention by itself. The encoder step in libtorch is
// libtorch/transformer_bench.cpp.
#include <benchmark/benchmark.h>

#include <mica/mica.h>

namespace {

using namespace mica;

// Attention by its kernel: (8, 8, L, 32), as in the encoder below.
void attention(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor q = randn({8, 8, state.range(0), 32}), k = randn(q.sizes()), v = randn(q.sizes());
  const bool causal = state.range(1) != 0;
  for (auto _ : state) benchmark::DoNotOptimize(scaled_dot_product_attention(q, k, v, {.is_causal = causal}));
  const double scores = 8 * 8 * static_cast<double>(state.range(0) * state.range(0));
  state.counters["GFLOP/s"] =
      benchmark::Counter(4e-9 * scores * 32, benchmark::Counter::kIsIterationInvariantRate);
}
void attention_forward_backward(benchmark::State& state) {
  const Tensor q = randn({8, 8, state.range(0), 32}).requires_grad_(), k = randn(q.sizes()).requires_grad_(),
               v = randn(q.sizes()).requires_grad_(), g = randn(q.sizes());
  const std::array<Tensor, 3> inputs{q, k, v};
  for (auto _ : state) {
    const Tensor y = scaled_dot_product_attention(q, k, v);
    benchmark::DoNotOptimize(autograd::grad({&y, 1}, inputs, {&g, 1}));
  }
  const double scores = 8 * 8 * static_cast<double>(state.range(0) * state.range(0));
  state.counters["GFLOP/s"] =
      benchmark::Counter(14e-9 * scores * 32, benchmark::Counter::kIsIterationInvariantRate);
}

nn::TransformerEncoder encoder() {
  manual_seed(1);
  return {nn::TransformerEncoderLayer{256, 8, {.dim_feedforward = 1024, .dropout = 0, .batch_first = true}},
          4};
}

// 4 layers of width 256 with 8 heads, sequences of 128, a batch of 8.
void encoder_training_step(benchmark::State& state) {
  nn::TransformerEncoder model = encoder();
  optim::Adam opt{model.parameters()};
  const Tensor x = randn({8, 128, 256}), target = randn({8, 128, 256});
  for (auto _ : state) {
    opt.zero_grad();
    nn::mse_loss(model(x), target).backward();
    opt.step();
  }
}
void encoder_inference(benchmark::State& state) {
  const NoGrad no_grad;
  nn::TransformerEncoder model = encoder();
  model.eval();
  const Tensor x = randn({state.range(0), 128, 256});
  for (auto _ : state) benchmark::DoNotOptimize(model(x));
}

// A small GPT: 6 layers of width 384 with 6 heads, sequences of 256, a batch of 4.
struct Gpt : nn::Module {
  int vocabulary = 256, dim = 384, length = 256;
  nn::Embedding token{vocabulary, dim};
  nn::Embedding position{length, dim};
  nn::TransformerEncoder blocks{nn::TransformerEncoderLayer{dim,
                                                            6,
                                                            {.dim_feedforward = 4 * dim,
                                                             .dropout = 0,
                                                             .activation = "gelu",
                                                             .batch_first = true,
                                                             .norm_first = true}},
                                6, nn::LayerNorm{dim}};
  nn::Linear head{dim, vocabulary};
  Tensor forward(const Tensor& text) {
    const Tensor x = token(text) + position(arange(text.size(1)));
    return head(blocks(x, {.is_causal = true}));
  }
};
void gpt_training_step(benchmark::State& state) {
  Gpt model;
  optim::Adam opt{model.parameters()};
  const Tensor text = randint(256, {4, 256}), next = randint(256, {4, 256});
  for (auto _ : state) {
    opt.zero_grad();
    nn::cross_entropy(model(text).flatten(0, 1), next.flatten()).backward();
    opt.step();
  }
}

BENCHMARK(attention)
    ->ArgNames({"L", "causal"})
    ->Args({128, 0})
    ->Args({1024, 0})
    ->Args({1024, 1})
    ->UseRealTime();
BENCHMARK(attention_forward_backward)->ArgName("L")->Arg(128)->Arg(1024)->UseRealTime();
BENCHMARK(encoder_training_step)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(encoder_inference)->ArgName("batch")->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gpt_training_step)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
