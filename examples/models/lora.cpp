// LoRA over a frozen base (Hu et al. 2021): the large weight stays as it is, a product of two thin ones is
// learned beside it, and only that is saved.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct LoraLinear : nn::Module {
  int in = 64, out = 64, rank = 2;
  double scale = 2;
  nn::Linear base{in, out};
  nn::Parameter lora_a{randn({rank, in}) * 0.1};
  nn::Parameter lora_b{zeros({out, rank})};  // zero: it starts as the base

  Tensor forward(const Tensor& x) { return base(x) + scale * linear(linear(x, lora_a), lora_b); }
};

struct Net : nn::Module {
  LoraLinear hidden;
  LoraLinear head{.out = 10};
  Tensor forward(const Tensor& x) { return head(relu(hidden(x.flatten(1)))); }
};

void train(Net& model, const nn::Filter& which, const Tensor& x, const Tensor& label) {
  optim::Adam opt{model.parameters(which), {.lr = 1e-2}};
  for (int step = 0; step < 200; ++step) {
    Tensor loss = nn::cross_entropy(model(x), label);
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
}

int main() {
  manual_seed(1);
  const auto [images, labels, names] = data::digits(data::Split::train);
  const auto lora = nn::matching("*lora*");
  Net model;
  train(model, !lora, images, labels);  // the base learns the digits
  model.requires_grad_(false, !lora);
  const Tensor before = model.hidden.base.weight.clone();

  const Tensor upside_down = images.flip({2, 3});  // a new task
  train(model, lora, upside_down, labels);
  io::write_safetensors("lora.safetensors", model.state_dict(lora));

  const auto [test, test_labels, test_names] = data::digits(data::Split::test);
  const NoGrad no_grad;
  const double right = (model(test.flip({2, 3})).argmax(1) == test_labels).to(f32).mean().item();
  std::printf("%lld of %lld parameters learned the new task: %.1f %%\n",
              static_cast<long long>(model.num_parameters(true)),
              static_cast<long long>(model.num_parameters()), 100 * right);
  return right > 0.8 && equal(before, model.hidden.base.weight) ? 0 : 1;
}
