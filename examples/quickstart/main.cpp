// The program of README.md, whole: a model as a plain struct, trained on the built-in digits.
#include <cstdio>
#include <iostream>

#include <mica/mica.h>
using namespace mica;

struct Net : nn::Module {
  int in = 784, hidden = 256, depth = 3, classes = 10;  // hyper-parameters: plain fields
  nn::Linear stem{in, hidden};                          // layers: members
  std::vector<nn::Linear> blocks = nn::repeat(depth, [&] { return nn::Linear{hidden, hidden}; });
  nn::Linear head{hidden, classes};

  Tensor forward(Tensor x) {  // any control flow
    x = relu(stem(x.flatten(1)));
    for (auto& block : blocks) x = x + relu(block(x));
    return head(x);
  }
};

int main() {
  manual_seed(1);
  const auto [images, labels, names] = data::digits(data::Split::train);
  data::DataLoader loader{data::TensorDataset(images, labels), {.batch_size = 32, .shuffle = true}};

  Net model{.in = 64, .hidden = 128};
  optim::AdamW opt{model.parameters(), {.lr = 1e-3}};
  for (int epoch = 0; epoch < 10; ++epoch) {
    for (auto [x, label] : loader) {
      Tensor loss = nn::cross_entropy(model(x), label);
      opt.zero_grad();
      loss.backward();
      opt.step();
    }
  }
  save(model, "net.safetensors");

  const auto [test_images, test_labels, test_names] = data::digits(data::Split::test);
  const NoGrad no_grad;
  const Tensor right = model(test_images).argmax(1) == test_labels;
  std::cout << model << "\n";
  std::printf("%.1f %% of the test digits recognised\n", 100 * right.to(f32).mean().item());
}
