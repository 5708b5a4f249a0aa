// A U-Net with skip connections (Ronneberger et al. 2015): what the way down computes is joined on the way
// up. Learns to find squares in noise.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Block : nn::Module {
  int in, out;
  nn::Conv2d conv1{in, out, 3, {.padding = 1}};
  nn::Conv2d conv2{out, out, 3, {.padding = 1}};
  Tensor forward(const Tensor& x) { return relu(conv2(relu(conv1(x)))); }
};

Tensor upsample(const Tensor& x) {  // nearest neighbours
  return x.repeat_interleave(2, 2).repeat_interleave(2, 3);
}

struct UNet : nn::Module {
  int width = 8;
  Block stem{.in = 1, .out = width};
  Block down1{.in = width, .out = 2 * width};
  Block down2{.in = 2 * width, .out = 4 * width};
  Block up1{.in = 6 * width, .out = 2 * width};
  Block up2{.in = 3 * width, .out = width};
  nn::Conv2d head{width, 1, 1};

  Tensor forward(const Tensor& x) {  // (N, 1, H, W), H and W multiples of 4 -> logits of the same shape
    const Tensor full = stem(x);
    const Tensor half = down1(max_pool2d(full, 2));
    const Tensor quarter = down2(max_pool2d(half, 2));
    const Tensor joined = up1(cat({upsample(quarter), half}, 1));
    return head(up2(cat({upsample(joined), full}, 1)));
  }
};

int main() {
  manual_seed(1);
  UNet model;
  optim::Adam opt{model.parameters(), {.lr = 3e-3}};
  double overlap = 0;
  for (int step = 0; step < 300; ++step) {
    Tensor mask = zeros({8, 1, 16, 16});
    for (int i = 0; i < 8; ++i) {
      const auto row = randint(10, {}).item<std::int64_t>(), column = randint(10, {}).item<std::int64_t>();
      mask.select(0, i).narrow(1, row, 6).narrow(2, column, 6).fill_(1);
    }
    const Tensor logits = model(mask + 0.7 * randn(mask.sizes()));
    Tensor loss = (softplus(logits) - mask * logits).mean();  // binary cross-entropy of logits
    opt.zero_grad();
    loss.backward();
    opt.step();
    const Tensor found = logits > 0, wanted = mask > 0;
    overlap = logical_and(found, wanted).sum().item() / logical_or(found, wanted).sum().item();
  }
  std::printf("found and wanted overlap by %.0f %%\n", 100 * overlap);
  return overlap > 0.85 ? 0 : 1;
}
