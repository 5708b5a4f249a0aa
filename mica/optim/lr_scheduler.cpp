#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/lr_scheduler.h>

namespace mica::optim {

std::vector<double> PerGroup::expanded(const char* schedule, const char* what, std::size_t groups) const {
  if (values.size() == groups) return values;
  if (values.size() == 1) return std::vector<double>(groups, values[0]);
  throw Error(schedule, fmt::format("{} values for {}, but the optimizer has {} groups of parameters",
                                    values.size(), what, groups));
}

LRScheduler::LRScheduler(const char* name, Optimizer& optimizer, std::int64_t last_epoch)
    : name_(name), optimizer_(optimizer), last_epoch_(last_epoch) {
  if (last_epoch < -1) refuse(fmt::format("last_epoch is {}", last_epoch), "-1 starts anew");
  base_lrs_.reserve(num_groups());
  for (std::size_t g = 0; g < num_groups(); ++g) {
    if (std::isnan(optimizer.initial_lr(g))) {
      if (last_epoch >= 0) {
        refuse(fmt::format("last_epoch is {}, but group {} has no initial_lr", last_epoch, g),
               "load the state of the optimizer first");
      }
      optimizer.set_initial_lr(g, optimizer.lr(g));
    }
    base_lrs_.push_back(optimizer.initial_lr(g));
  }
}

void LRScheduler::refuse(const std::string& message, const std::string& hint) const {
  throw Error(name_, message, hint);
}

void LRScheduler::make_first_step() {
  initial_ = true;
  step();
  initial_ = false;
}

void LRScheduler::step() {
  ++last_epoch_;
  try {
    before_step();
    set_rates(false);
  } catch (...) {
    --last_epoch_;
    throw;
  }
}

void LRScheduler::restart() {
  last_epoch_ = 0;
  set_rates(true);
}

void LRScheduler::set_rates(bool closed) {
  if (base_lrs_.size() != num_groups()) {
    refuse(fmt::format("the optimizer has {} groups of parameters, and had {} when the schedule was made",
                       num_groups(), base_lrs_.size()));
  }
  std::vector<double> rates;
  rates.reserve(num_groups());
  for (std::size_t g = 0; g < num_groups(); ++g) {
    const Position at{.group = g,
                      .epoch = last_epoch_,
                      .lr = optimizer_.lr(g),
                      .base_lr = base_lrs_[g],
                      .initial = initial_};
    rates.push_back(closed ? closed_form(at) : next_lr(at));
  }
  for (std::size_t g = 0; g < num_groups(); ++g) optimizer_.set_lr(g, rates[g]);
  last_lr_ = std::move(rates);
  after_step();
}

void LRScheduler::remember_rates() {
  last_lr_.clear();
  last_lr_.reserve(num_groups());
  for (std::size_t g = 0; g < num_groups(); ++g) last_lr_.push_back(optimizer_.lr(g));
}

StateDict LRScheduler::state_dict() const {
  StateDict out;
  out.insert("base_lrs", from_vector(base_lrs_));
  out.insert("last_epoch", full({}, last_epoch_, i64));
  out.insert("_last_lr", from_vector(last_lr_));
  for (const Field& field : const_cast<LRScheduler*>(this)->fields()) {
    out.insert(field.name, full({}, *field.value, f64));
  }
  std::size_t i = 0;
  for (const LRScheduler* child : children()) {
    out.insert_all(fmt::format("_schedulers.{}.", i++), child->state_dict());
  }
  return out;
}

void LRScheduler::check_state(const StateDict& state) {
  const auto wrong = [&](const std::string& what) {
    refuse("this is not the state of such a schedule: " + what, "state_dict() gives one");
  };
  std::size_t entries = 3;
  for (const char* name : {"base_lrs", "_last_lr"}) {
    const Tensor& t = state.at(name);
    if (!t.is_floating_point() || t.sizes() != Shape(static_cast<std::int64_t>(num_groups()))) {
      wrong(fmt::format("{} of shape {} for {} groups", name, to_string(t.sizes()), num_groups()));
    }
    for (const double value : t.to_vector<double>()) {
      if (!std::isfinite(value)) wrong(fmt::format("a rate of {}", value));
    }
  }
  const Tensor& epoch = state.at("last_epoch");
  if (epoch.dtype() != i64 || epoch.dim() != 0 || epoch.item<std::int64_t>() < -1) wrong("last_epoch");
  for (const Field& field : fields()) {
    const Tensor& t = state.at(field.name);
    if (!t.is_floating_point() || t.dim() != 0) wrong(field.name);
    ++entries;
  }
  std::size_t i = 0;
  for (LRScheduler* child : children()) {
    const StateDict inner = state.with_prefix(fmt::format("_schedulers.{}.", i++));
    child->check_state(inner);
    entries += inner.size();
  }
  if (state.size() != entries) wrong(fmt::format("{} entries, expected {}", state.size(), entries));
}

void LRScheduler::take_state(const StateDict& state) {
  base_lrs_ = state.at("base_lrs").to_vector<double>();
  last_lr_ = state.at("_last_lr").to_vector<double>();
  last_epoch_ = state.at("last_epoch").item<std::int64_t>();
  for (const Field& field : fields()) *field.value = state.at(field.name).item();
  std::size_t i = 0;
  for (LRScheduler* child : children()) {
    child->take_state(state.with_prefix(fmt::format("_schedulers.{}.", i++)));
  }
}

void LRScheduler::load_state_dict(const StateDict& state) {
  check_state(state);
  take_state(state);
}

}  // namespace mica::optim
