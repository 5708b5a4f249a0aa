#include <cmath>

#include "workloads.h"

namespace peer {

namespace nn = torch::nn;

namespace {

// Attention written by hand, as fast as nn::MultiheadAttention here and without its masks.
struct AttentionImpl : nn::Module {
  AttentionImpl(int dim, int heads, bool causal) : dim(dim), heads(heads), causal(causal) {
    qkv = register_module("qkv", nn::Linear(dim, 3 * dim));
    out = register_module("out", nn::Linear(dim, dim));
  }
  torch::Tensor forward(torch::Tensor x) {
    const auto n = x.size(0), length = x.size(1);
    const auto parts = qkv(x).view({n, length, 3, heads, dim / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
    torch::Tensor scores = torch::matmul(parts[0], parts[1].transpose(-2, -1)) / std::sqrt(dim / heads);
    if (causal) {
      if (!mask.defined() || mask.size(0) != length)
        mask = torch::ones({length, length}, torch::kBool).triu(1);
      scores = scores.masked_fill(mask, -INFINITY);
    }
    const torch::Tensor y = torch::matmul(torch::softmax(scores, -1), parts[2]);
    return out(y.transpose(1, 2).reshape({n, length, dim}));
  }
  int dim, heads;
  bool causal;
  torch::Tensor mask;
  nn::Linear qkv{nullptr}, out{nullptr};
};
TORCH_MODULE(Attention);

struct BlockImpl : nn::Module {
  BlockImpl(int dim, int heads, int hidden, bool causal) {
    norm1 = register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({dim})));
    attention = register_module("attention", Attention(dim, heads, causal));
    norm2 = register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({dim})));
    fc1 = register_module("fc1", nn::Linear(dim, hidden));
    fc2 = register_module("fc2", nn::Linear(hidden, dim));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = x + attention(norm1(x));
    return x + fc2(torch::gelu(fc1(norm2(x))));
  }
  nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  Attention attention{nullptr};
  nn::Linear fc1{nullptr}, fc2{nullptr};
};
TORCH_MODULE(Block);

nn::Sequential encoder() {
  nn::Sequential net;
  for (int i = 0; i < 4; ++i) net->push_back(Block(256, 8, 1024, false));
  return net;
}

struct GptImpl : nn::Module {
  GptImpl() {
    tokens = register_module("tokens", nn::Embedding(512, 384));
    positions = register_module("positions", nn::Embedding(256, 384));
    blocks = register_module("blocks", nn::Sequential());
    for (int i = 0; i < 6; ++i) blocks->push_back(Block(384, 6, 4 * 384, true));
    norm = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({384})));
    head = register_module("head", nn::Linear(384, 512));
  }
  torch::Tensor forward(torch::Tensor ids) {
    torch::Tensor x = tokens(ids) + positions(torch::arange(ids.size(1)));
    return head(norm(blocks->forward(x))).flatten(0, 1);
  }
  nn::Embedding tokens{nullptr}, positions{nullptr};
  nn::Sequential blocks{nullptr};
  nn::LayerNorm norm{nullptr};
  nn::Linear head{nullptr};
};
TORCH_MODULE(Gpt);

struct RecurrentImpl : nn::Module {
  RecurrentImpl() {
    lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(128, 256).num_layers(2)));
    head = register_module("head", nn::Linear(256, 10));
  }
  torch::Tensor forward(torch::Tensor x) { return head(std::get<0>(lstm(x))[-1]); }
  nn::LSTM lstm{nullptr};
  nn::Linear head{nullptr};
};
TORCH_MODULE(Recurrent);

}  // namespace

void add_sequence(Workloads& all) {
  all.push_back({"encoder_adam", [](const Settings& s) {
                   nn::Sequential net = encoder();
                   const torch::Tensor x = torch::randn({8, 128, 256});
                   return training(net, x, adam(1e-3), distance({8, 128, 256}), s);
                 }});
  all.push_back({"encoder_inference", [](const Settings& s) {
                   nn::Sequential net = encoder();
                   return inference(net, torch::randn({1, 128, 256}), s);
                 }});
  all.push_back({"gpt_adam", [](const Settings& s) {
                   Gpt net;
                   const torch::Tensor x = torch::randint(0, 512, {4, 256}, torch::kLong);
                   return training(net, x, adam(1e-3), classes(4 * 256, 512), s);
                 }});
  all.push_back({"lstm_adam", [](const Settings& s) {
                   Recurrent net;
                   const torch::Tensor x = torch::randn({64, 32, 128});
                   return training(net, x, adam(1e-3), classes(32, 10), s);
                 }});
  all.push_back({"lstm_inference", [](const Settings& s) {
                   Recurrent net;
                   return inference(net, torch::randn({64, 32, 128}), s);
                 }});
}

}  // namespace peer
