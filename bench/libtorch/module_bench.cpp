// The model of ../module_bench.cpp in libtorch, under the same names.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

struct NetImpl : torch::nn::Cloneable<NetImpl> {
  explicit NetImpl(int width) : width(width) { reset(); }
  void reset() override {
    layers = register_module("layers", torch::nn::ModuleList());
    for (int i = 0; i < 20; ++i) layers->push_back(torch::nn::Linear(width, width));
  }
  torch::Tensor forward(torch::Tensor x) {
    for (const auto& layer : *layers) x = layer->as<torch::nn::Linear>()->forward(x);
    return x;
  }
  int width;
  torch::nn::ModuleList layers;
};
TORCH_MODULE(Net);

struct Empty : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return x; }
};

void parameters(benchmark::State& state) {
  const Net net(16);
  for (auto _ : state) benchmark::DoNotOptimize(net->parameters());
}
void named_parameters(benchmark::State& state) {
  const Net net(16);
  for (auto _ : state) benchmark::DoNotOptimize(net->named_parameters());
}
void zero_grad(benchmark::State& state) {
  Net net(16);
  for (auto _ : state) net->zero_grad(true);
}
void clone(benchmark::State& state) {
  const Net net(16);
  for (auto _ : state) benchmark::DoNotOptimize(net->clone());
}
void call_20_empty(benchmark::State& state) {
  torch::nn::Sequential net;
  for (int i = 0; i < 20; ++i) net->push_back(std::make_shared<Empty>());
  const torch::Tensor x = torch::ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net->forward(x));
}
void call_20_linear(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Net net(16);
  const torch::Tensor x = torch::ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net->forward(x));
}
void call_20_linear_recording(benchmark::State& state) {
  Net net(16);
  const torch::Tensor x = torch::ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net->forward(x));
}

BENCHMARK(parameters);
BENCHMARK(named_parameters);
BENCHMARK(zero_grad);
BENCHMARK(clone);
BENCHMARK(call_20_empty);
BENCHMARK(call_20_linear);
BENCHMARK(call_20_linear_recording);

}  // namespace
