#include <optional>
#include <string>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/lazy.h>
#include <mica/nn/norm.h>
#include <mica/ops/inplace.h>
#include <mica/ops/pointwise.h>
#include <mica/train/averaged_model.h>

namespace mica::train {
namespace {

// average += weight (current - average), rounded towards zero for integers, such as counts of batches.
void move(Tensor& average, const Tensor& current, double weight) {
  if (average.is_floating_point())
    average.lerp_(current.to(average.dtype()), weight);
  else
    average.copy_(lerp(average.to(f64), current.to(f64), weight));
}

}  // namespace

AverageFn get_ema_avg_fn(double decay) {
  if (!(decay >= 0 && decay <= 1))
    throw Error("get_ema_avg_fn", fmt::format("decay {} is not in [0, 1]", decay));
  return [decay](Tensor& average, const Tensor& current, std::int64_t) { move(average, current, 1 - decay); };
}

AverageFn get_swa_avg_fn() {
  return [](Tensor& average, const Tensor& current, std::int64_t n_averaged) {
    move(average, current, 1 / static_cast<double>(n_averaged + 1));
  };
}

namespace detail {

void update_average(const nn::ModuleRef& average, const nn::ModuleRef& model, Tensor& n_averaged,
                    const AveragedModelOptions& options) {
  const auto n = n_averaged.item<std::int64_t>();
  std::unordered_set<std::string> buffers;
  for (const auto& [path, buffer] : average.named_buffers({.remove_duplicate = false})) buffers.insert(path);
  nn::zip(average, model, [&](std::string_view path, Tensor& a, const Tensor& m) {
    const bool copied = n == 0 || (!options.use_buffers && buffers.contains(std::string(path)));
    if (copied)
      a.copy_(m);
    else
      options.avg_fn(a, m, n);
  });
  n_averaged.fill_(n + 1);
}

namespace {

nn::detail::BatchNorm* batch_norm(const nn::ModuleRef& module) {
  if (auto* bn = module.get_if<nn::BatchNorm1d>()) return bn;
  if (auto* bn = module.get_if<nn::BatchNorm2d>()) return bn;
  if (auto* bn = module.get_if<nn::BatchNorm3d>()) return bn;
  if (auto* bn = module.get_if<nn::LazyBatchNorm1d>()) return bn;
  if (auto* bn = module.get_if<nn::LazyBatchNorm2d>()) return bn;
  if (auto* bn = module.get_if<nn::LazyBatchNorm3d>()) return bn;
  return nullptr;
}

// Remembers every mode of a model.
class Modes : public nn::Visitor {
 public:
  void mode(std::string_view, nn::Mode& m) override { found.emplace_back(&m, m.training); }
  std::vector<std::pair<nn::Mode*, bool>> found;
};

}  // namespace

FreshStatistics::FreshStatistics(const nn::ModuleRef& model) {
  for (const nn::ModuleRef& module : model.modules()) {
    nn::detail::BatchNorm* bn = batch_norm(module);
    if (bn == nullptr || !bn->track_running_stats) continue;
    undo_.emplace_back([bn, momentum = bn->momentum] { bn->momentum = momentum; });
    bn->reset_running_stats();
    bn->momentum.reset();
  }
  if (undo_.empty()) return;
  Modes modes;
  model.walk(modes);
  for (const auto& [mode, training] : modes.found) {
    undo_.emplace_back([mode, training] { mode->training = training; });
  }
  model.train();
}

FreshStatistics::~FreshStatistics() {
  for (const auto& undo : undo_) undo();
}

}  // namespace detail
}  // namespace mica::train
