// Early exit: a classifier after every block, and in evaluation the first that is sure enough answers
// (Teerapittayanon et al. 2016, BranchyNet). Easy images cost less.
#include <cstdio>
#include <vector>

#include <mica/mica.h>
using namespace mica;

struct EarlyExit : nn::Module {
  int in = 64, hidden = 64, classes = 10, depth = 3;
  double sure = 0.95;  // the probability that ends an evaluation
  std::vector<nn::Linear> blocks =
      nn::repeat(depth, [&, i = 0]() mutable { return nn::Linear{i++ == 0 ? in : hidden, hidden}; });
  std::vector<nn::Linear> exits = nn::repeat(depth, [&] { return nn::Linear{hidden, classes}; });
  nn::Mode mode;

  std::vector<Tensor> forward(Tensor x) {  // logits of each exit that was reached
    std::vector<Tensor> logits;
    x = x.flatten(1);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      x = relu(blocks[i](x));
      logits.push_back(exits[i](x));
      if (!mode.training && softmax(logits.back(), 1).amax().item() > sure) break;
    }
    return logits;
  }
};

int main() {
  manual_seed(1);
  const auto [images, labels, names] = data::digits(data::Split::train);
  data::DataLoader loader{data::TensorDataset(images, labels), {.batch_size = 32, .shuffle = true}};
  EarlyExit model;
  optim::Adam opt{model.parameters(), {.lr = 2e-3}};
  for (int epoch = 0; epoch < 15; ++epoch) {
    for (auto [x, label] : loader) {
      Tensor loss = zeros({});
      for (const Tensor& logits : model(x)) loss = loss + nn::cross_entropy(logits, label);
      opt.zero_grad();
      loss.backward();
      opt.step();
    }
  }
  const auto [test_images, test_labels, test_names] = data::digits(data::Split::test);
  const NoGrad no_grad;
  model.eval();
  double right = 0, blocks = 0;
  const auto count = static_cast<double>(test_labels.numel());
  for (std::int64_t i = 0; i < test_labels.numel(); ++i) {
    const std::vector<Tensor> logits = model(test_images.narrow(0, i, 1));
    blocks += static_cast<double>(logits.size());
    right += logits.back().argmax().item() == test_labels.select(0, i).item();
  }
  std::printf("%.1f %% right after %.2f of 3 blocks\n", 100 * right / count, blocks / count);
  return right / count > 0.85 && blocks / count < 2 ? 0 : 1;
}
