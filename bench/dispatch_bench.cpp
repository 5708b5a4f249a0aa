// What one operation costs when the numbers are few: dispatch, allocation, recording.
#include <benchmark/benchmark.h>

#include <mica/mica.h>

namespace {

using namespace mica;

void relu_16(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor x = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(relu(x));
}
BENCHMARK(relu_16);

void relu_16_recording(benchmark::State& state) {
  const Tensor x = randn({16}).requires_grad_();
  for (auto _ : state) benchmark::DoNotOptimize(relu(x));
}
BENCHMARK(relu_16_recording);

void add_16(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor x = randn({16});
  const Tensor y = randn({16});
  for (auto _ : state) benchmark::DoNotOptimize(x + y);
}
BENCHMARK(add_16);

void linear_16_call(benchmark::State& state) {
  const NoGrad no_grad;
  nn::Linear layer{16, 16};
  const Tensor x = randn({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(layer(x));
}
BENCHMARK(linear_16_call);

void linear_16_call_recording(benchmark::State& state) {
  nn::Linear layer{16, 16};
  const Tensor x = randn({1, 16});
  for (auto _ : state) benchmark::DoNotOptimize(layer(x));
}
BENCHMARK(linear_16_call_recording);

void forward_backward_10_linear(benchmark::State& state) {
  nn::Sequential net;
  for (int i = 0; i < 10; ++i) net.push_back(nn::Linear{16, 16});
  const Tensor x = randn({1, 16});
  for (auto _ : state) {
    net(x).sum().backward();
    net.zero_grad();
  }
}
BENCHMARK(forward_backward_10_linear);

void relu_16m(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor x = randn({1 << 24});
  benchmark::DoNotOptimize(relu(x));  // takes the memory from the system once
  for (auto _ : state) benchmark::DoNotOptimize(relu(x));
  state.SetBytesProcessed(state.iterations() * (8LL << 24));
}
BENCHMARK(relu_16m)->UseRealTime();

void add_16m(benchmark::State& state) {
  const NoGrad no_grad;
  const Tensor x = randn({1 << 24});
  const Tensor y = randn({1 << 24});
  benchmark::DoNotOptimize(x + y);
  for (auto _ : state) benchmark::DoNotOptimize(x + y);
  state.SetBytesProcessed(state.iterations() * (12LL << 24));
}
BENCHMARK(add_16m)->UseRealTime();

}  // namespace
