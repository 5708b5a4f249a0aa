// A model is described, trained, saved and loaded in someone else's project. Fails unless the loss falls and
// the loaded model answers like the saved one.
#include <filesystem>
#include <iostream>

#include <mica/mica.h>

using namespace mica;

struct Net : nn::Module {
  int hidden = 16;
  nn::Linear fc1{2, hidden};
  nn::Linear fc2{hidden, 1};
  Tensor forward(const Tensor& x) { return fc2(tanh(fc1(x))); }
};

int main() {
  manual_seed(0);
  Net net{.hidden = 24};
  std::cout << net << '\n';

  const Tensor x = randn({64, 2});
  const Tensor y = (x.select(1, 0) * x.select(1, 1)).unsqueeze(1);
  optim::AdamW optimizer{net.parameters(), {.lr = 0.02}};
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    const Tensor loss = nn::mse_loss(net(x), y);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    last = loss.item();
    if (step == 0) first = last;
  }
  std::cout << "loss " << first << " -> " << last << '\n';

  const auto file = std::filesystem::temp_directory_path() / "mica_consumer.safetensors";
  save(net, file);
  Net loaded{.hidden = 24};
  load(loaded, file);
  std::filesystem::remove(file);
  const bool same = equal(loaded(x), net(x));

  try {
    net(ones({4, 3}));  // an error crosses from the library into this program
  } catch (const Error& error) {
    std::cout << error.what() << '\n';
    return last < first / 4 && same && error.module_path() == "Net.fc1 (Linear)" ? 0 : 1;
  }
  return 1;
}
