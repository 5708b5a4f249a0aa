// One point of a curve: what a step takes in time and memory at one size. scripts/scaling_study draws the
// curves.
//
//   scaling --list
//   scaling SERIES SIZE [--threads N] [--seconds S]
//
// Prints one line of JSON: {"seconds": median of one step, "peak": bytes in use during a step, at most,
// beyond the parameters and the input}.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <mica/core/allocator.h>
#include <mica/core/parallel.h>

#include "../cnn.h"
#include "../peer/mica/workloads.h"

namespace {

using namespace mica;
using Run = std::function<void()>;

// `depth` hidden layers of `hidden`.
struct Mlp : nn::Module {
  std::int64_t in = 784, hidden = 512, depth = 2, out = 10;
  nn::Linear stem{in, hidden};
  std::vector<nn::Linear> blocks = nn::repeat(depth - 1, [&] { return nn::Linear{hidden, hidden}; });
  nn::Linear head{hidden, out};
  Tensor forward(Tensor x) {
    x = relu(stem(std::move(x)));
    for (auto& block : blocks) x = relu(block(std::move(x)));
    return head(std::move(x));
  }
};

struct Recurrent : nn::Module {
  nn::LSTM lstm{128, 256};
  nn::Linear head{256, 10};
  Tensor forward(const Tensor& x) { return head(lstm(x).first[-1]); }  // (T, N, D)
};

nn::TransformerEncoder encoder(std::int64_t layers) {
  return {nn::TransformerEncoderLayer{256, 8, {.dim_feedforward = 1024, .dropout = 0, .batch_first = true}},
          layers};
}

template <class Model> Run classify(Model model, Tensor x, std::int64_t batch) {
  return peer::training(std::move(model), std::move(x), peer::sgd(0.01, 0.9), peer::classes(batch, 10)).run;
}

Run attend(std::int64_t length, std::int64_t features, bool backward) {
  const auto operand = [=] { return randn({1, 8, length, features}).requires_grad_(backward); };
  const std::array<Tensor, 3> qkv{operand(), operand(), operand()};
  return [qkv, grad = randn({1, 8, length, features}), backward] {
    const Tensor y = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
    if (backward) autograd::grad({&y, 1}, qkv, {&grad, 1});
  };
}

template <class F> Run elementwise(std::int64_t n, F f) {
  return [x = randn({n}), f] { f(x); };
}

struct Series {
  const char* name;
  Run (*make)(std::int64_t size);  // with random parameters and input
};
constexpr Series every_series[] = {
    {"mlp_batch", [](std::int64_t n) { return classify(Mlp{}, randn({n, 784}), n); }},
    {"cnn_batch", [](std::int64_t n) { return classify(Cnn{}, randn({n, 1, 28, 28}), n); }},
    {"mlp_width", [](std::int64_t n) { return classify(Mlp{.in = n, .hidden = n}, randn({128, n}), 128); }},
    {"mlp_depth",
     [](std::int64_t n) {
       return classify(Mlp{.in = 256, .hidden = 256, .depth = n}, randn({128, 256}), 128);
     }},
    {"encoder_depth",
     [](std::int64_t n) {
       const Shape sizes{4, 128, 256};
       return peer::training(encoder(n), randn(sizes), peer::sgd(0.01, 0.9), peer::distance(sizes)).run;
     }},
    {"lstm_length", [](std::int64_t n) { return classify(Recurrent{}, randn({n, 32, 128}), 32); }},
    {"attention32", [](std::int64_t n) { return attend(n, 32, false); }},
    {"attention32_backward", [](std::int64_t n) { return attend(n, 32, true); }},
    {"attention64", [](std::int64_t n) { return attend(n, 64, false); }},
    {"attention64_backward", [](std::int64_t n) { return attend(n, 64, true); }},
    {"relu", [](std::int64_t n) { return elementwise(n, [](const Tensor& x) { return relu(x); }); }},
    {"gelu", [](std::int64_t n) { return elementwise(n, [](const Tensor& x) { return gelu(x); }); }},
};

// Of all threads.
double processor_time() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Steps are run in groups of at least a millisecond, so that reading the clock does not count. One thread by
// itself is measured in processor time, which other programs hardly change.
void measure(const Series& series, std::int64_t size, double seconds) {
  manual_seed(0);
  const Run step = series.make(size);
  const std::size_t before = memory_stats().in_use;
  step();
  step();  // gradients and the optimizer's state are there from now on
  reset_peak_memory();
  step();
  const std::size_t peak = memory_stats().peak_in_use - before;

  std::vector<double> samples;
  int group = 1;
  const double start = peer::now();
  const double processor_start = processor_time();
  double (*const clock)() = num_threads() == 1 ? processor_time : peer::now;
  while (samples.size() < 3 || peer::now() - start < seconds) {
    const double begin = clock();
    for (int i = 0; i < group; ++i) step();
    const double taken = clock() - begin;
    if (taken < 1e-3) {
      group *= 2;
      samples.clear();
    } else {
      samples.push_back(taken / group);
    }
  }
  const double processors = (processor_time() - processor_start) / (peer::now() - start);
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  std::printf("{\"seconds\": %.9g, \"peak\": %zu, \"processors\": %.3g}\n", *middle, peak, processors);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words;
  double seconds = 0.2;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--list") {
      for (const Series& s : every_series) std::puts(s.name);
      return 0;
    }
    if (word == "--threads" && i + 1 < argc) {
      set_num_threads(std::atoi(argv[++i]));
    } else if (word == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else {
      words.push_back(word);
    }
  }
  const auto* series = std::ranges::find_if(
      every_series, [&](const Series& s) { return !words.empty() && s.name == words[0]; });
  const std::int64_t size = words.size() == 2 ? std::atoll(words[1].c_str()) : 0;
  if (series == std::end(every_series) || size < 1) {
    std::fprintf(stderr, "usage: %s SERIES SIZE [--threads N] [--seconds S]; --list shows the series\n",
                 argv[0]);
    return 2;
  }
  measure(*series, size, seconds);
}
