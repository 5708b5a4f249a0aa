// The encoder of ../transformer_bench.cpp in libtorch, under the same names. Its layers have no batch_first
// and its MultiheadAttention always makes the weights.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

torch::nn::TransformerEncoder encoder() {
  torch::manual_seed(1);
  const auto layer = torch::nn::TransformerEncoderLayerOptions(256, 8).dim_feedforward(1024).dropout(0);
  return torch::nn::TransformerEncoder(torch::nn::TransformerEncoderOptions(layer, 4));
}

void encoder_training_step(benchmark::State& state) {
  torch::set_num_threads(2);
  torch::nn::TransformerEncoder model = encoder();
  torch::optim::Adam opt(model->parameters());
  const torch::Tensor x = torch::randn({128, 8, 256}), target = torch::randn({128, 8, 256});
  for (auto _ : state) {
    opt.zero_grad();
    torch::mse_loss(model->forward(x), target).backward();
    opt.step();
  }
}
void encoder_inference(benchmark::State& state) {
  torch::set_num_threads(2);
  const torch::NoGradGuard no_grad;
  torch::nn::TransformerEncoder model = encoder();
  model->eval();
  const torch::Tensor x = torch::randn({128, state.range(0), 256});
  for (auto _ : state) benchmark::DoNotOptimize(model->forward(x));
}

BENCHMARK(encoder_training_step)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(encoder_inference)->ArgName("batch")->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
