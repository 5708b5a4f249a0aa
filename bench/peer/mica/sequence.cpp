#include "workloads.h"

namespace peer {

using namespace mica;

namespace {

struct Attention : nn::Module {
  std::int64_t dim = 256, heads = 8;
  bool causal = false;
  nn::Linear qkv{dim, 3 * dim}, out{dim, dim};
  Tensor forward(const Tensor& x) {  // (N, T, D)
    const std::int64_t n = x.size(0), length = x.size(1);
    const auto parts = qkv(x).view({n, length, 3, heads, dim / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
    const Tensor y = scaled_dot_product_attention(parts[0], parts[1], parts[2], {.is_causal = causal});
    return out(y.transpose(1, 2).reshape({n, length, dim}));
  }
};

struct Block : nn::Module {
  std::int64_t dim = 256, heads = 8, hidden = 1024;
  bool causal = false;
  nn::LayerNorm norm1{dim};
  Attention attention{.dim = dim, .heads = heads, .causal = causal};
  nn::LayerNorm norm2{dim};
  nn::Linear fc1{dim, hidden}, fc2{hidden, dim};
  Tensor forward(Tensor x) {
    x = x + attention(norm1(x));
    return x + fc2(gelu(fc1(norm2(x))));
  }
};

struct Encoder : nn::Module {
  std::vector<Block> blocks = nn::repeat(4, [] { return Block{}; });
  Tensor forward(Tensor x) {
    for (auto& block : blocks) x = block(std::move(x));
    return x;
  }
};

struct Gpt : nn::Module {
  nn::Embedding tokens{512, 384}, positions{256, 384};
  std::vector<Block> blocks =
      nn::repeat(6, [] { return Block{.dim = 384, .heads = 6, .hidden = 4 * 384, .causal = true}; });
  nn::LayerNorm norm{384};
  nn::Linear head{384, 512};
  Tensor forward(const Tensor& ids) {  // (N, T)
    Tensor x = tokens(ids) + positions(arange(ids.size(1)));
    for (auto& block : blocks) x = block(std::move(x));
    return head(norm(x)).flatten(0, 1);
  }
};

struct Recurrent : nn::Module {
  nn::LSTM lstm{128, 256, {.num_layers = 2}};
  nn::Linear head{256, 10};
  Tensor forward(const Tensor& x) { return head(lstm(x).first[-1]); }  // (T, N, D)
};

}  // namespace

void add_sequence(Workloads& all) {
  all.push_back({"encoder_adam", [](const Settings&) {
                   return training(Encoder{}, randn({8, 128, 256}), adam(1e-3), distance({8, 128, 256}));
                 }});
  all.push_back(
      {"encoder_inference", [](const Settings&) { return inference(Encoder{}, randn({1, 128, 256})); }});
  all.push_back({"gpt_adam", [](const Settings&) {
                   return training(Gpt{}, randint(0, 512, {4, 256}), adam(1e-3), classes(4 * 256, 512));
                 }});
  all.push_back({"lstm_adam", [](const Settings&) {
                   return training(Recurrent{}, randn({64, 32, 128}), adam(1e-3), classes(32, 10));
                 }});
  all.push_back(
      {"lstm_inference", [](const Settings&) { return inference(Recurrent{}, randn({64, 32, 128})); }});
}

}  // namespace peer
