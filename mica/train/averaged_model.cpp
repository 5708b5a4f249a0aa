#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/plain.h>
#include <mica/nn/walk.h>
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

// The running statistics of one module and how fast they move, if it has all of these members.
struct Statistics {
  nn::Buffer *mean = nullptr, *var = nullptr, *count = nullptr;
  std::optional<nn::FieldRef> momentum;
};

// Finds batch normalisation by its members, so also in classes that are not the library's, and in those of
// nn::Parametrized. What has no shape yet, in a lazy layer, counts too.
class FindStatistics : public nn::Visitor {
 public:
  void buffer(std::string_view name, nn::Buffer& b) override {
    if (name == "running_mean") found[prefix()].mean = &b;
    if (name == "running_var") found[prefix()].var = &b;
    if (name == "num_batches_tracked") found[prefix()].count = &b;
  }
  void uninitialized_buffer(std::string_view name, nn::Buffer& b) override { buffer(name, b); }
  void field(std::string_view name, const nn::FieldRef& f) override {
    if (name != "momentum") return;
    nn::detail::Misfit misfit;
    f.check({}, misfit);
    if (!misfit.found()) found[prefix()].momentum = f;
  }
  std::map<std::string, Statistics> found;
};

void set_momentum(const nn::FieldRef& momentum, const nn::Plain& value) {
  nn::detail::Misfit misfit;
  momentum.set(value, misfit);
}

// Makes the statistics new, and returns what sets the momentum back, and all if no batch was counted.
AnyFunction<void()> start_anew(const Statistics& s, const nn::FieldRef& momentum) {
  std::vector<std::pair<nn::Buffer*, Tensor>> before;
  for (nn::Buffer* buffer : {s.mean, s.var, s.count}) {
    if (!buffer->defined()) continue;
    before.emplace_back(buffer, buffer->clone());
    buffer->fill_(buffer == s.var ? 1 : 0);
  }
  const nn::Plain old_momentum = momentum.get();
  set_momentum(momentum, {});
  return [momentum, old_momentum, before, count = s.count] {
    set_momentum(momentum, old_momentum);
    if (!count->defined() || count->item() != 0) return;
    for (const auto& [buffer, values] : before) buffer->copy_(values);
  };
}

// Remembers every mode of a model.
class Modes : public nn::Visitor {
 public:
  void mode(std::string_view, nn::Mode& m) override { found.emplace_back(&m, m.training); }
  std::vector<std::pair<nn::Mode*, bool>> found;
};

}  // namespace

FreshStatistics::FreshStatistics(const nn::ModuleRef& model) {
  FindStatistics statistics;
  model.walk(statistics);
  for (const auto& [path, s] : statistics.found) {
    if (s.mean != nullptr && s.var != nullptr && s.count != nullptr && s.momentum) {
      undo_.push_back(start_anew(s, *s.momentum));
    }
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
