// Operations on 16M floats, optimizers of 16M parameters, matrix products, and a file of 500 MB.
#include <cstdlib>
#include <filesystem>

#include "workloads.h"

namespace peer {

using namespace mica;

namespace {

constexpr std::int64_t many = 1 << 24, side = 4096;

// Keeps the result until the next one is there, as a program that uses it would.
template <class F> Step result_of(F f) {
  auto y = std::make_shared<Tensor>();
  return {[=] {
            const NoGrad no_grad;
            *y = f();
          },
          [=] { return y->to(f64).mean().item<double>(); }};
}

template <class Optimizer, class Options> Step optimizer_step(const Options& options) {
  auto p = std::make_shared<nn::Parameter>(randn({many}));
  p->set_grad(randn({many}));
  auto optimizer = std::make_shared<Optimizer>(std::vector<Tensor>{*p}, options);
  return {[=] { optimizer->step(); }, [=] { return p->detach().to(f64).mean().item<double>(); }};
}

Step product(const Shape& a, const Shape& b, DType dtype) {
  const Tensor x = randn(a).to(dtype), y = randn(b).to(dtype);
  return result_of([x, y] { return matmul(x, y); });
}

struct Big : nn::Module {
  nn::Parameter a{randn({side, side})}, b{randn({side, side})}, c{randn({side, side})},
      d{randn({side, side})}, e{randn({side, side})}, f{randn({side, side})}, g{randn({side, side})};
};

// Removes the file when the last step that reads it is gone.
struct File {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("peer_mica_" + std::to_string(getpid()));
  ~File() { std::filesystem::remove(path); }
};

}  // namespace

void add_bulk(Workloads& all) {
  const auto add = [&](const char* name, auto fn) {
    all.push_back({name, [fn](const Settings&) {
                     const Tensor x = randn({side, side});
                     return result_of([x, fn] { return fn(x); });
                   }});
  };
  add("relu16m", [](const Tensor& x) { return relu(x); });
  add("gelu16m", [](const Tensor& x) { return gelu(x); });
  add("tanh16m", [](const Tensor& x) { return tanh(x); });
  add("exp16m", [](const Tensor& x) { return exp(x); });
  add("add16m", [](const Tensor& x) { return x + x; });
  add("softmax16m", [](const Tensor& x) { return softmax(x, 1); });
  add("layer_norm16m", [](const Tensor& x) { return layer_norm(x, {side}); });
  add("sum16m", [](const Tensor& x) { return x.sum(); });
  all.push_back(
      {"adam16m", [](const Settings&) { return optimizer_step<optim::Adam>(optim::AdamOptions{}); }});
  all.push_back({"sgd16m", [](const Settings&) {
                   return optimizer_step<optim::SGD>(optim::SGDOptions{.lr = 1e-3, .momentum = 0.9});
                 }});
  for (const DType dtype : {f32, bf16}) {
    const std::string suffix = dtype == f32 ? "" : "_bf16";
    for (const std::int64_t n : {128, 1024, 4096}) {
      all.push_back({"matmul" + std::to_string(n) + suffix,
                     [=](const Settings&) { return product({n, n}, {n, n}, dtype); }});
    }
    all.push_back(
        {"bmm64" + suffix, [=](const Settings&) { return product({64, 128, 64}, {64, 64, 128}, dtype); }});
  }
  all.push_back({"load500mb", [](const Settings&) {
                   auto file = std::make_shared<File>();
                   save(Big{}, file->path);
                   auto model = std::make_shared<Big>();
                   return Step{[=] { load(*model, file->path); },
                               [=] { return model->g.detach().to(f64).mean().item<double>(); }};
                 }});
}

}  // namespace peer
