// A small GPT that learns to reverse a sequence: it reads six digits and a separator, and then writes the
// digits backwards, one after the other, each from what stands before it (Radford et al. 2018). Attention
// does all the work: the place to look at moves left while the writing moves right.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Block : nn::Module {
  int dim = 32, heads = 4;
  nn::LayerNorm norm1{dim};
  nn::MultiheadAttention attn{dim, heads, {.batch_first = true}};
  nn::LayerNorm norm2{dim};
  nn::Linear up{dim, 4 * dim}, down{4 * dim, dim};

  Tensor forward(Tensor x) {  // (N, L, dim), unchanged
    const Tensor h = norm1(x);
    const auto [y, weights] = attn(h, h, h, {.need_weights = false, .is_causal = true});
    x = x + y;
    return x + down(gelu(up(norm2(x))));
  }
};

struct Gpt : nn::Module {
  int vocabulary = 11, length = 13, dim = 32, depth = 2;
  nn::Embedding token{vocabulary, dim};
  nn::Embedding position{length, dim};
  std::vector<Block> blocks = nn::repeat(depth, [&] { return Block{.dim = dim}; });
  nn::LayerNorm norm{dim};
  nn::Linear head{dim, vocabulary};

  Tensor forward(const Tensor& text) {  // (N, L) numbers -> (N, L, vocabulary), what comes next
    Tensor x = token(text) + position(arange(text.size(1)));
    for (auto& block : blocks) x = block(x);
    return head(norm(x));
  }

  // Appends the likeliest tokens.
  Tensor write(Tensor text, int count) {
    const NoGrad no_grad;
    for (int i = 0; i < count; ++i) {
      const Tensor next = (*this)(text).select(1, -1).argmax(-1, true);
      text = cat({text, next}, 1);
    }
    return text;
  }
};

constexpr int digits = 6, separator = 10;

// Digits, separator, digits backwards.
Tensor examples(int count) {
  const Tensor forwards = randint(10, {count, digits});
  return cat({forwards, full({count, 1}, separator, i64), forwards.flip({1})}, 1);
}

int main() {
  manual_seed(1);
  Gpt model;
  optim::AdamW opt{model.parameters(), {.lr = 5e-3}};
  for (int step = 0; step < 300; ++step) {
    const Tensor text = examples(64);
    const Tensor logits = model(text.narrow(1, 0, 2 * digits));
    // Only the answer can be known.
    const Tensor answer = text.narrow(1, digits + 1, digits);
    Tensor loss = nn::cross_entropy(logits.narrow(1, digits, digits).flatten(0, 1), answer.flatten());
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  model.eval();
  const Tensor text = examples(200);
  const Tensor written = model.write(text.narrow(1, 0, digits + 1), digits);
  const double right = (written == text).all(1).to(f32).mean().item();
  std::printf("%.1f %% of 200 new sequences reversed without a mistake\n", 100 * right);
  return right > 0.95 ? 0 : 1;
}
