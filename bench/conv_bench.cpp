// Convolutions of models: the three passes, in both layouts.
#include <vector>

#include <benchmark/benchmark.h>

#include <mica/kernels/conv.h>

namespace {

using mica::kernels::Convolution;
using mica::kernels::Layout;

std::vector<float> halves(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count), 0.5F);
}

// Arguments: batch, in, out, size, kernel, stride, pad, groups, channels_last.
struct Layer {
  explicit Layer(const benchmark::State& state) {
    const Layout layout = state.range(8) != 0 ? Layout::channels_last : Layout::channels_first;
    c.x_layout = c.y_layout = layout;
    c.batch = state.range(0), c.in_channels = state.range(1), c.out_channels = state.range(2);
    c.in_h = c.in_w = state.range(3), c.kernel_h = c.kernel_w = state.range(4);
    c.stride_h = c.stride_w = state.range(5), c.pad_h = c.pad_w = state.range(6), c.groups = state.range(7);
    c.out_h = c.out_w = (c.in_h + 2 * c.pad_h - c.kernel_h) / c.stride_h + 1;
    x = halves(c.batch * c.in_channels * c.in_h * c.in_w);
    y = halves(c.batch * c.out_channels * c.out_h * c.out_w);
    weight = halves(c.out_channels * c.in_channels / c.groups * c.kernel_h * c.kernel_w);
    bias = halves(c.out_channels);
  }
  void count_flops(benchmark::State& state) const {
    const double multiplications =
        static_cast<double>(weight.size()) * static_cast<double>(c.batch * c.out_h * c.out_w);
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * multiplications, benchmark::Counter::kIsIterationInvariantRate);
  }
  Convolution c;
  std::vector<float> x, y, weight, bias;
};

void forward(benchmark::State& state) {
  Layer l(state);
  for (auto _ : state) mica::kernels::conv(l.c, l.x.data(), l.weight.data(), l.bias.data(), l.y.data());
  l.count_flops(state);
}
void backward_input(benchmark::State& state) {
  Layer l(state);
  for (auto _ : state) mica::kernels::conv_backward_input(l.c, l.y.data(), l.weight.data(), l.x.data());
  l.count_flops(state);
}
void backward_weight(benchmark::State& state) {
  Layer l(state);
  for (auto _ : state) {
    mica::kernels::conv_backward_weight(l.c, l.x.data(), l.y.data(), l.weight.data(), l.bias.data());
  }
  l.count_flops(state);
}

void layers(benchmark::internal::Benchmark* b) {
  b->ArgNames({"n", "in", "out", "hw", "k", "s", "p", "g", "last"})->UseRealTime();
  for (const std::int64_t last : {1, 0}) {
    b->Args({64, 1, 32, 28, 3, 1, 0, 1, last});  // the CNN for digits
    b->Args({64, 32, 64, 26, 3, 1, 0, 1, last});
    b->Args({8, 64, 64, 56, 3, 1, 1, 1, last});  // ResNet
    b->Args({8, 256, 64, 56, 1, 1, 0, 1, last});
    b->Args({16, 128, 128, 28, 3, 1, 1, 128, last});  // depthwise
  }
  b->Args({1, 4, 4, 4, 1, 1, 0, 1, 1});  // next to nothing: the cost of a call
}
BENCHMARK(forward)->Apply(layers);
BENCHMARK(backward_input)->Apply(layers);
BENCHMARK(backward_weight)->Apply(layers);

}  // namespace

BENCHMARK_MAIN();
