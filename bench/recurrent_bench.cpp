// Recurrent layers: two of 256 units, input of 128 features, 64 steps, batch of 32. The same in libtorch is
// libtorch/recurrent_bench.cpp; scripts/compare_libtorch puts both side by side.
#include <benchmark/benchmark.h>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/recurrent.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/optim/adam.h>

namespace {

using namespace mica;

template <class Layer> void infer(benchmark::State& state) {
  const NoGrad no_grad;
  Layer layer(128, 256, {.num_layers = 2});
  const Tensor x = randn({64, 32, 128});
  for (auto _ : state) benchmark::DoNotOptimize(layer(x));
}
template <class Layer> void train(benchmark::State& state) {
  Layer layer(128, 256, {.num_layers = 2});
  optim::Adam adam(layer.parameters(), {.lr = 1e-3});
  const Tensor x = randn({64, 32, 128});
  for (auto _ : state) {
    adam.zero_grad();
    square(layer(x).first).mean().backward();
    adam.step();
  }
}

#define MICA_BENCH(name, fn) BENCHMARK(fn)->Name(name)->Unit(benchmark::kMillisecond)->UseRealTime()
MICA_BENCH("lstm_infer", infer<nn::LSTM>);
MICA_BENCH("lstm_train", train<nn::LSTM>);
MICA_BENCH("gru_infer", infer<nn::GRU>);
MICA_BENCH("gru_train", train<nn::GRU>);
MICA_BENCH("rnn_infer", infer<nn::RNN>);
MICA_BENCH("rnn_train", train<nn::RNN>);

}  // namespace
