// Small workloads whose instructions scripts/check_instructions counts: what an operation, its gradient, a
// module call, a walk over a model and an optimizer's step cost besides arithmetic. Products of this size use
// the library's own kernels.
//
// usage: instruction_counts              what the counts depend on, and the workloads by name
//        instruction_counts WORKLOAD N   runs one N times inside `measured`, after as much to warm up
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>

#include <hwy/targets.h>

#include <mica/mica.h>

namespace {

using namespace mica;
using Work = std::function<void()>;

// One operation with its node, and a pass back through it.
Work relu_backward() {
  return [x = randn({16}).requires_grad_(), grad = ones({16})] { relu(x).backward(grad); };
}

nn::Sequential ten_layers() {
  nn::Sequential net;
  for (int i = 0; i < 10; ++i) net.push_back(nn::Linear{16, 16});
  return net;
}

Work linear_forward() {
  return [net = std::make_shared<nn::Sequential>(ten_layers()), x = randn({1, 16})] {
    const NoGrad no_grad;
    (*net)(x);
  };
}

Work linear_backward() {
  return [net = std::make_shared<nn::Sequential>(ten_layers()), x = randn({1, 16})] {
    (*net)(x).sum().backward();
    net->zero_grad();
  };
}

struct Mlp : nn::Module {
  nn::Linear first{16, 64}, second{64, 64}, last{64, 4};
  Tensor forward(Tensor x) { return last(relu(second(relu(first(std::move(x)))))); }
};

// A whole step of training: activations and gradients come from the allocator's cache and go back to it.
template <class Optimizer> Work training(const auto& options) {
  auto model = std::make_shared<Mlp>();
  auto optimizer = std::make_shared<Optimizer>(model->parameters(), options);
  return [model, optimizer, x = randn({8, 16}), y = randint(0, 4, {8})] {
    optimizer->zero_grad();
    cross_entropy((*model)(x), y).backward();
    optimizer->step();
  };
}

struct Deep : nn::Module {
  std::vector<nn::Linear> layers = nn::repeat(20, [] { return nn::Linear{4, 4}; });
};

Work walk() {
  return [model = std::make_shared<Deep>()] {
    model->parameters();
    model->named_parameters();
    model->train();
    model->zero_grad();
  };
}

const std::map<std::string, Work (*)()> workloads = {
    {"relu_backward", relu_backward},
    {"linear_10_forward", linear_forward},
    {"linear_10_backward", linear_backward},
    {"mlp_sgd_step", [] { return training<optim::SGD>(optim::SGDOptions{.lr = 1e-3, .momentum = 0.9}); }},
    {"mlp_adam_step", [] { return training<optim::Adam>(optim::AdamOptions{.lr = 1e-3}); }},
    {"walk_20_layers", walk},
};

void describe() {
#ifdef __clang__
  std::printf("clang %d, ", __clang_major__);
#else
  std::printf("GCC %d, ", __GNUC__);
#endif
#ifdef _GLIBCXX_RELEASE
  std::printf("libstdc++ %d, ", _GLIBCXX_RELEASE);
#endif
  const std::int64_t best = hwy::SupportedTargets() & -hwy::SupportedTargets();
  std::printf("vectors of %s\n", hwy::TargetName(best));
  for (const auto& [name, make] : workloads) std::printf("%s\n", name.c_str());
}

}  // namespace

// What callgrind counts, by this name.
extern "C" [[gnu::noinline]] void measured(const Work& work, int times) {
  for (int i = 0; i < times; ++i) work();
}

int main(int argc, char** argv) {
  if (argc == 1) return describe(), 0;
  const auto found = argc == 3 ? workloads.find(argv[1]) : workloads.end();
  int times = 0;
  if (found == workloads.end() ||
      std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), times).ec != std::errc()) {
    std::fprintf(stderr, "usage: instruction_counts [WORKLOAD N]\n");
    return 2;
  }
  manual_seed(1);
  set_num_threads(1);
  const Work work = found->second();
  for (int i = 0; i < times; ++i) work();
  measured(work, times);
}
