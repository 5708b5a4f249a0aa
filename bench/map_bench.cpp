// map against the same operations written one after the other: 16 floats for what a call costs, 16M for what
// passes over memory cost.
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/mica.h>

namespace {

using namespace mica;

constexpr std::int64_t few = 16;
constexpr std::int64_t many = 16 << 20;

// x * sigmoid(1.702 x), the quick form of GELU (Hendrycks & Gimpel 2016): three operations.
Tensor quick_gelu_map(const Tensor& x, const Tensor&) {
  return map(x, [](auto x) { return x * sigmoid(1.702 * x); });
}
Tensor quick_gelu_apart(const Tensor& x, const Tensor&) { return x * sigmoid(1.702 * x); }

// A polynomial, which costs memory traffic and little else.
Tensor cubic_map(const Tensor& x, const Tensor& y) {
  return map(x, y, [](auto x, auto y) { return (x * y + 1) * x; });
}
Tensor cubic_apart(const Tensor& x, const Tensor& y) { return (x * y + 1) * x; }

// Two inputs, whose gradients have to be written both.
Tensor affine_map(const Tensor& x, const Tensor& y) {
  return map(x, y, [](auto x, auto y) { return tanh(x * y + 1); });
}
Tensor affine_apart(const Tensor& x, const Tensor& y) { return tanh(x * y + 1); }

using Function = Tensor (*)(const Tensor&, const Tensor&);

void forward(benchmark::State& state, Function fn) {
  const NoGrad no_grad;
  const Tensor x = randn({state.range(0)});
  const Tensor y = randn({state.range(0)});
  benchmark::DoNotOptimize(fn(x, y));  // takes the memory from the system once
  for (auto _ : state) benchmark::DoNotOptimize(fn(x, y));
}

void recording(benchmark::State& state, Function fn) {
  const Tensor x = randn({state.range(0)}).requires_grad_();
  const Tensor y = randn({state.range(0)}).requires_grad_();
  for (auto _ : state) benchmark::DoNotOptimize(fn(x, y));
}

void backward(benchmark::State& state, Function fn) {
  const Tensor x = randn({state.range(0)}).requires_grad_();
  const Tensor y = randn({state.range(0)}).requires_grad_();
  const Tensor direction = randn({state.range(0)});
  const Tensor result = fn(x, y);
  const std::vector<Tensor> inputs{x, y};
  const auto gradients = [&] {
    return autograd::grad({&result, 1}, inputs, {&direction, 1},
                          {.retain_graph = true, .allow_unused = true});
  };
  benchmark::DoNotOptimize(gradients());
  for (auto _ : state) benchmark::DoNotOptimize(gradients());
}

BENCHMARK_CAPTURE(forward, quick_gelu_map, quick_gelu_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(forward, quick_gelu_apart, quick_gelu_apart)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(forward, cubic_map, cubic_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(forward, cubic_apart, cubic_apart)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(forward, affine_map, affine_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(forward, affine_apart, affine_apart)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(recording, quick_gelu_map, quick_gelu_map)->Arg(few)->UseRealTime();
BENCHMARK_CAPTURE(recording, quick_gelu_apart, quick_gelu_apart)->Arg(few)->UseRealTime();
BENCHMARK_CAPTURE(backward, quick_gelu_map, quick_gelu_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(backward, quick_gelu_apart, quick_gelu_apart)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(backward, cubic_map, cubic_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(backward, cubic_apart, cubic_apart)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(backward, affine_map, affine_map)->Arg(few)->Arg(many)->UseRealTime();
BENCHMARK_CAPTURE(backward, affine_apart, affine_apart)->Arg(few)->Arg(many)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
