// state_dict() and load_state_dict() of optimizers.
#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/detail.h>
#include <mica/optim/optimizer_hooks.h>

namespace mica::optim {

using detail::HookKind;
using detail::Option;
using detail::ParameterState;
using detail::Slot;
using detail::StateReader;

namespace detail {

// Takes entries out of a state, and remembers which.
struct StateReader {
  const char* optimizer;
  const StateDict& state;
  std::unordered_set<std::string> used{};
  std::unordered_map<std::size_t, std::int64_t> ids{};  // in the state, by parameter

  [[noreturn]] void refuse(const std::string& key, const Tensor& t, const std::string& expected) const {
    throw Error(optimizer,
                fmt::format("\"{}\" is {} {} in the state, expected {}", key, mica::name(t.dtype()),
                            to_string(t.sizes()), expected),
                "was it saved for another model, or by another optimizer?");
  }
  const Tensor& take(const std::string& key) {
    const Tensor& t = state.at(key);
    used.insert(key);
    return t;
  }
  // One number of the kind of `dtype`.
  double number(const std::string& key, DType dtype) {
    const Tensor& t = take(key);
    if (t.dim() != 0 || t.is_floating_point() != is_floating_point(dtype)) {
      refuse(key, t, fmt::format("a single {}", mica::name(dtype)));
    }
    return t.item();
  }
  // A tensor of these sizes, of which -1 fits any.
  Tensor tensor(const std::string& key, const Shape& sizes) {
    const Tensor& t = take(key);
    bool fits = t.is_floating_point() && t.sizes().size() == sizes.size();
    for (int i = 0; fits && i < sizes.size(); ++i) fits = sizes[i] < 0 || sizes[i] == t.sizes()[i];
    if (!fits) refuse(key, t, "floating point " + to_string(sizes));
    return t.clone();
  }
  void check_all_used() const {
    for (const auto& [key, tensor] : state) {
      if (used.contains(key)) continue;
      throw Error(optimizer, fmt::format("\"{}\" is in the state, but this optimizer has no use for it", key),
                  "was it saved by another optimizer, with other options, or for another model?");
    }
  }
};

namespace {

Tensor to_tensor(const Option& option) {
  const Shape sizes = option.scalar ? Shape() : Shape(static_cast<std::int64_t>(option.values.size()));
  return from_vector(option.values, sizes).to(option.dtype);
}

std::string key_of(std::size_t group, std::string_view option) {
  return fmt::format("param_groups.{}.{}", group, option);
}
std::string state_key(std::int64_t parameter, const char* entry) {
  return fmt::format("state.{}.{}", parameter, entry);
}

}  // namespace
}  // namespace detail

std::vector<std::vector<Option>> Optimizer::all_options() const {
  std::vector<std::vector<Option>> out;
  out.reserve(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) out.push_back(get_options(g));
  return out;
}

StateDict Optimizer::state_dict() const {
  auto& self = const_cast<Optimizer&>(*this);  // hooks may do as they like; packing does not show
  StateDict out;
  hooks_->run(HookKind::state_pre, self, out);
  self.pack_state();
  for (std::size_t i = 0; i < state_.size(); ++i) {
    const ParameterState& state = state_[i];
    const auto id = static_cast<std::int64_t>(i);
    const std::vector<Slot> all = slots(i);
    const bool stepped = std::ranges::any_of(state.tensors, [](const Tensor& t) { return t.defined(); });
    if (!stepped) continue;
    if (counts_steps()) out.insert(detail::state_key(id, "step"), full({}, state.step, i64));
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (all[k].name != nullptr && state.tensors[k].defined())
        out.insert(detail::state_key(id, all[k].name), state.tensors[k]);
    }
    for (std::size_t k = 0; k < state.numbers.size(); ++k) {
      out.insert(detail::state_key(id, numbers()[k]), full({}, state.numbers[k], f64));
    }
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (const Option& option : get_options(g)) {
      out.insert(detail::key_of(g, option.name), detail::to_tensor(option));
    }
    if (!std::isnan(groups_[g].initial_lr)) {
      out.insert(detail::key_of(g, "initial_lr"), full({}, groups_[g].initial_lr, f64));
    }
    out.insert(detail::key_of(g, "params"), arange(static_cast<std::int64_t>(groups_[g].first),
                                                   static_cast<std::int64_t>(groups_[g].last)));
  }
  hooks_->run(HookKind::state_post, self, out);
  return out;
}

void Optimizer::load_options(StateReader& reader, std::vector<double>& initial_lrs) {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    std::vector<Option> options = get_options(g);
    for (Option& option : options) {
      const std::string key = detail::key_of(g, option.name);
      if (option.scalar) {
        option.values = {reader.number(key, option.dtype)};
        continue;
      }
      const Tensor& t = reader.take(key);
      // An optional is of one number or none, an array of as many as there are.
      const bool fits = option.values.size() > 1
                            ? t.numel() == static_cast<std::int64_t>(option.values.size())
                            : t.numel() <= 1;
      if (t.dim() != 1 || !fits || t.is_floating_point() != is_floating_point(option.dtype)) {
        reader.refuse(key, t, fmt::format("a list of {}", mica::name(option.dtype)));
      }
      option.values = t.to_vector<double>();
    }
    const std::string initial = detail::key_of(g, "initial_lr");
    initial_lrs.push_back(reader.state.contains(initial) ? reader.number(initial, f64)
                                                         : std::numeric_limits<double>::quiet_NaN());
    const std::string params = detail::key_of(g, "params");
    const Tensor& ids = reader.take(params);
    const std::size_t count = groups_[g].last - groups_[g].first;
    if (ids.dtype() != i64 || ids.sizes() != Shape(static_cast<std::int64_t>(count))) {
      reader.refuse(params, ids, fmt::format("the numbers of {} parameters", count));
    }
    const auto numbers = ids.to_vector<std::int64_t>();
    for (std::size_t k = 0; k < count; ++k) reader.ids[groups_[g].first + k] = numbers[k];
    set_options(g, options, true);
  }
}

std::vector<ParameterState> Optimizer::load_states(StateReader& reader) const {
  std::vector<ParameterState> out(parameters_.size());
  const std::vector<const char*> names = numbers();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::vector<Slot> all = slots(i);
    const auto key = [&](const char* name) { return detail::state_key(reader.ids.at(i), name); };
    const auto in_use = [](const Slot& slot) { return slot.name != nullptr; };
    const bool stepped = (counts_steps() && reader.state.contains(key("step"))) ||
                         std::ranges::any_of(all, [&](const Slot& s) {
                           return in_use(s) && reader.state.contains(key(s.name));
                         });
    if (!stepped) continue;
    ParameterState& state = out[i];
    state.step = 1;
    if (counts_steps()) {
      const Tensor& count = reader.take(key("step"));
      const double steps = count.dim() == 0 ? count.item() : -1;
      if (!(steps >= 1 && steps == std::floor(steps))) reader.refuse(key("step"), count, "a count of steps");
      state.step = static_cast<std::int64_t>(steps);
    }
    state.tensors.resize(all.size());
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (in_use(all[k]))
        state.tensors[k] = reader.tensor(key(all[k].name), all[k].sizes.value_or(parameters_[i].sizes()));
    }
    state.numbers.reserve(names.size());
    for (const char* name : names) state.numbers.push_back(reader.number(key(name), f64));
  }
  return out;
}

void Optimizer::load_state_dict(const StateDict& given) {
  StateDict state = given;
  hooks_->run(HookKind::load_pre, *this, state);
  StateReader reader{.optimizer = name_, .state = state};
  const std::vector<std::vector<Option>> before = all_options();
  std::vector<double> initial_lrs;
  std::vector<ParameterState> states;
  try {
    load_options(reader, initial_lrs);
    states = load_states(reader);
    reader.check_all_used();
  } catch (...) {
    for (std::size_t g = 0; g < groups_.size(); ++g) set_options(g, before[g], false);
    throw;
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) groups_[g].initial_lr = initial_lrs[g];
  state_ = std::move(states);
  unpack_state();
  hooks_->run(HookKind::load_post, *this, state);
}

}  // namespace mica::optim
