// The layers of ../recurrent_bench.cpp in libtorch, under the same names.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

template <class Layer, class Options> void infer(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Layer layer(Options(128, 256).num_layers(2));
  const torch::Tensor x = torch::randn({64, 32, 128});
  for (auto _ : state) benchmark::DoNotOptimize(layer->forward(x));
}
template <class Layer, class Options> void train(benchmark::State& state) {
  Layer layer(Options(128, 256).num_layers(2));
  torch::optim::Adam adam(layer->parameters(), 1e-3);
  const torch::Tensor x = torch::randn({64, 32, 128});
  for (auto _ : state) {
    adam.zero_grad();
    std::get<0>(layer->forward(x)).square().mean().backward();
    adam.step();
  }
}

#define MICA_BENCH(name, fn) BENCHMARK(fn)->Name(name)->Unit(benchmark::kMillisecond)->UseRealTime()
MICA_BENCH("lstm_infer", (infer<torch::nn::LSTM, torch::nn::LSTMOptions>));
MICA_BENCH("lstm_train", (train<torch::nn::LSTM, torch::nn::LSTMOptions>));
MICA_BENCH("gru_infer", (infer<torch::nn::GRU, torch::nn::GRUOptions>));
MICA_BENCH("gru_train", (train<torch::nn::GRU, torch::nn::GRUOptions>));
MICA_BENCH("rnn_infer", (infer<torch::nn::RNN, torch::nn::RNNOptions>));
MICA_BENCH("rnn_train", (train<torch::nn::RNN, torch::nn::RNNOptions>));

}  // namespace
