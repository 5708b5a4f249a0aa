#include <filesystem>

#include <unistd.h>

#include "workloads.h"

namespace peer {

namespace {

constexpr std::int64_t many = 1 << 24, side = 4096;

template <class F> Step result_of(F f) {
  auto y = std::make_shared<torch::Tensor>();
  return {[=] {
            const torch::NoGradGuard no_grad;
            *y = f();
          },
          [=] { return y->to(torch::kDouble).mean().item<double>(); }};
}

template <class Optimizer, class Options> Step optimizer_step(const Options& options) {
  torch::Tensor p = torch::randn({many}).requires_grad_();
  p.mutable_grad() = torch::randn({many});
  auto optimizer = std::make_shared<Optimizer>(std::vector<torch::Tensor>{p}, options);
  return {[=] { optimizer->step(); }, [=] { return p.detach().to(torch::kDouble).mean().item<double>(); }};
}

Step product(torch::IntArrayRef a, torch::IntArrayRef b, torch::ScalarType dtype) {
  const torch::Tensor x = torch::randn(a).to(dtype), y = torch::randn(b).to(dtype);
  return result_of([x, y] { return torch::matmul(x, y); });
}

struct BigImpl : torch::nn::Module {
  BigImpl() {
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
      register_parameter(name, torch::randn({side, side}));
  }
};
TORCH_MODULE(Big);

struct File {
  std::string path =
      (std::filesystem::temp_directory_path() / ("peer_libtorch_" + std::to_string(getpid()))).string();
  ~File() { std::filesystem::remove(path); }
};

}  // namespace

void add_bulk(Workloads& all) {
  const auto add = [&](const char* name, auto fn) {
    all.push_back({name, [fn](const Settings&) {
                     const torch::Tensor x = torch::randn({side, side});
                     return result_of([x, fn] { return fn(x); });
                   }});
  };
  add("relu16m", [](const torch::Tensor& x) { return torch::relu(x); });
  add("gelu16m", [](const torch::Tensor& x) { return torch::gelu(x); });
  add("tanh16m", [](const torch::Tensor& x) { return torch::tanh(x); });
  add("exp16m", [](const torch::Tensor& x) { return torch::exp(x); });
  add("add16m", [](const torch::Tensor& x) { return x + x; });
  add("softmax16m", [](const torch::Tensor& x) { return torch::softmax(x, 1); });
  add("layer_norm16m", [](const torch::Tensor& x) { return torch::layer_norm(x, {side}); });
  add("sum16m", [](const torch::Tensor& x) { return x.sum(); });
  all.push_back({"adam16m", [](const Settings&) {
                   return optimizer_step<torch::optim::Adam>(torch::optim::AdamOptions(1e-3));
                 }});
  all.push_back({"sgd16m", [](const Settings&) {
                   return optimizer_step<torch::optim::SGD>(torch::optim::SGDOptions(1e-3).momentum(0.9));
                 }});
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    const std::string suffix = dtype == torch::kFloat ? "" : "_bf16";
    for (const std::int64_t n : {128, 1024, 4096}) {
      all.push_back({"matmul" + std::to_string(n) + suffix,
                     [=](const Settings&) { return product({n, n}, {n, n}, dtype); }});
    }
    all.push_back(
        {"bmm64" + suffix, [=](const Settings&) { return product({64, 128, 64}, {64, 64, 128}, dtype); }});
  }
  all.push_back(
      {"load500mb", [](const Settings&) {
         auto file = std::make_shared<File>();
         torch::save(Big(), file->path);
         Big model;
         return Step{
             [=]() mutable { torch::load(model, file->path); },
             [=] { return model->parameters().back().detach().to(torch::kDouble).mean().item<double>(); }};
       }});
}

}  // namespace peer
