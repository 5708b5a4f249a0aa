// Averages of a model's weights over the steps of its training (torch.optim.swa_utils).
//
//   train::AveragedModel average{net, {.avg_fn = train::get_ema_avg_fn(0.999)}};
//   for (...) { ...; opt.step(); average.update_parameters(net); }
//   Tensor y = average(x);
//
// Stochastic weight averaging (Izmailov et al. 2018) is the default: equal weights, with optim::SWALR as the
// schedule, and the statistics of batch normalisation computed anew at the end: update_bn(loader, average).
#pragma once

#include <concepts>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <mica/autograd/grad_mode.h>
#include <mica/core/any_function.h>
#include <mica/nn/module.h>
#include <mica/ops/creation.h>

namespace mica::train {

// Moves an average to the next value, given how many it is made of.
using AverageFn = AnyFunction<void(Tensor& average, const Tensor& current, std::int64_t n_averaged)>;

// average = decay average + (1 - decay) current. Errors: decay not in [0, 1].
AverageFn get_ema_avg_fn(double decay = 0.999);
// The plain average of all.
AverageFn get_swa_avg_fn();

struct AveragedModelOptions {
  AverageFn avg_fn{};        // default: get_swa_avg_fn()
  bool use_buffers = false;  // average buffers too; else they are those of the model last seen
};

namespace detail {
void update_average(const nn::ModuleRef& average, const nn::ModuleRef& model, Tensor& n_averaged,
                    const AveragedModelOptions& options);
}  // namespace detail

// A copy of a model whose parameters are averages. Called as the model is; its state is that of PyTorch's:
// "n_averaged" and "module.fc.weight"...
template <nn::IsModule M> class AveragedModel : public nn::Module {
 public:
  explicit AveragedModel(const M& model, AveragedModelOptions options = {})
      : module(model.clone()), options_(std::move(options)) {
    if (!options_.avg_fn) options_.avg_fn = get_swa_avg_fn();
  }

  nn::Buffer n_averaged{zeros({}, i64)};
  M module;

  // Takes the model's parameters into the average; the first time they become it. Errors: a model of another
  // structure.
  void update_parameters(const M& model) {
    detail::update_average(nn::ModuleRef(module), nn::ModuleRef(model), n_averaged, options_);
  }
  NN_MEMBERS(n_averaged, module)

 private:
  friend nn::Module;
  template <class... Args> decltype(auto) forward(Args&&... args) {
    return module(std::forward<Args>(args)...);
  }
  AveragedModelOptions options_;
};

namespace detail {

// While it lives, a model is in training mode and its batch normalisation takes plain averages, from nothing.
class FreshStatistics {
 public:
  explicit FreshStatistics(const nn::ModuleRef& model);
  ~FreshStatistics();
  FreshStatistics(const FreshStatistics&) = delete;
  FreshStatistics& operator=(const FreshStatistics&) = delete;
  bool empty() const { return undo_.empty(); }

 private:
  std::vector<AnyFunction<void()>> undo_;
};

// The input in a batch: a tensor, an Example, or the first of several.
template <class Batch> Tensor input_of(const Batch& batch) {
  if constexpr (std::convertible_to<Batch, Tensor>)
    return batch;
  else if constexpr (requires { batch.data; })
    return batch.data;
  else
    return std::get<0>(batch);
}

}  // namespace detail

// One pass over the batches of `loader` to compute the running statistics of the model's batch normalisation
// anew (torch.optim.swa_utils.update_bn). Modes and momenta are afterwards what they were. Batch
// normalisation is every module with buffers running_mean, running_var and num_batches_tracked and a momentum
// that may be absent; one that counts no batch (it was not called, or is instance normalisation) keeps its
// statistics.
template <class Loader, nn::IsModule M> void update_bn(Loader&& loader, M& model) {
  const detail::FreshStatistics fresh{nn::ModuleRef(model)};
  if (fresh.empty()) return;
  const NoGrad no_grad;
  for (auto&& batch : loader) model(detail::input_of(batch));
}

}  // namespace mica::train
