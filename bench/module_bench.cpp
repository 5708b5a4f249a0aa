// What a module costs beside its arithmetic: traversals, calls, copies of a model of twenty layers. The same
// model in libtorch is libtorch/module_bench.cpp; scripts/compare_libtorch puts both side by side.
#include <benchmark/benchmark.h>

#include <mica/mica.h>

namespace {

using namespace mica;

struct Net : nn::Module {
  int width = 16;
  std::vector<nn::Linear> layers = nn::repeat(20, [&] { return nn::Linear{width, width}; });

  Tensor forward(Tensor x) {
    for (auto& layer : layers) x = layer(x);
    return x;
  }
};

struct Empty : nn::Module {
  Tensor forward(const Tensor& x) { return x; }
};

void parameters(benchmark::State& state) {
  const Net net;
  for (auto _ : state) benchmark::DoNotOptimize(net.parameters());
}
void named_parameters(benchmark::State& state) {
  const Net net;
  for (auto _ : state) benchmark::DoNotOptimize(net.named_parameters());
}
void zero_grad(benchmark::State& state) {
  const Net net;
  for (auto _ : state) net.zero_grad();
}
void clone(benchmark::State& state) {
  const Net net;
  for (auto _ : state) benchmark::DoNotOptimize(net.clone());
}
// A chain of modules that do nothing, without their types: twenty calls.
void call_20_empty(benchmark::State& state) {
  nn::Sequential net;
  for (int i = 0; i < 20; ++i) net.push_back(Empty{});
  const Tensor x = ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net(x));
}
void call_20_linear(benchmark::State& state) {
  const NoGrad no_grad;
  Net net;
  const Tensor x = ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net(x));
}
void call_20_linear_recording(benchmark::State& state) {
  Net net;
  const Tensor x = ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net(x));
}
// The same call while a hook lives on another module.
void call_20_empty_hook_elsewhere(benchmark::State& state) {
  nn::Sequential net;
  for (int i = 0; i < 20; ++i) net.push_back(Empty{});
  Empty other;
  const auto hook = other.register_forward_hook([](Empty&, nn::Arguments&, Tensor&) {});
  const Tensor x = ones({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(net(x));
}

BENCHMARK(parameters);
BENCHMARK(named_parameters);
BENCHMARK(zero_grad);
BENCHMARK(clone);
BENCHMARK(call_20_empty);
BENCHMARK(call_20_empty_hook_elsewhere);
BENCHMARK(call_20_linear);
BENCHMARK(call_20_linear_recording);

}  // namespace
