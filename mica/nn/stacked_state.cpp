#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/stacked_state.h>
#include <mica/ops/join.h>

namespace mica::nn {

namespace {

constexpr const char* operation = "stack_module_state";

std::vector<bool> modes(const ModuleRef& model) {
  struct V final : Visitor {
    std::vector<bool> training;
    void mode(std::string_view, Mode& m) override { training.push_back(m.training); }
  } v;
  model.walk(v);
  return v.training;
}

std::string described(const std::vector<NamedTensor>& tensors, std::size_t i) {
  if (i >= tensors.size()) return "nothing";
  const auto& [name, x] = tensors[i];
  return fmt::format("\"{}\" {} {}{}", name, mica::name(x.dtype()), to_string(x.sizes()),
                     x.requires_grad() ? "" : " without gradient");
}

// members[m][i]: tensor i of model m.
StateDict stacked(const std::vector<std::vector<NamedTensor>>& members) {
  const std::vector<NamedTensor>& first = members[0];
  for (std::size_t m = 1; m < members.size(); ++m) {
    for (std::size_t i = 0; i < std::max(first.size(), members[m].size()); ++i) {
      const std::string here = described(members[m], i), there = described(first, i);
      if (here == there) continue;
      throw Error(operation, fmt::format("model {} has {} where model 0 has {}", m, here, there),
                  "all models must have the same structure and the same frozen parameters");
    }
  }
  StateDict out;
  const NoGrad no_grad;
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::vector<Tensor> parts;
    parts.reserve(members.size());
    for (const auto& model : members) parts.push_back(model[i].second.detach());
    out.insert(first[i].first, stack(parts).requires_grad_(first[i].second.requires_grad()));
  }
  return out;
}

}  // namespace

StateDict StackedState::member(std::int64_t i) const {
  if (i < 0 || i >= size)
    throw Error("StackedState", fmt::format("member {} of an ensemble of {} does not exist", i, size));
  StateDict out;
  for (const StateDict* state : {&parameters, &buffers}) {
    for (const auto& [name, tensor] : *state) out.insert(name, tensor.select(0, i));
  }
  return out;
}

StackedState stack_module_state(std::span<const ModuleRef> models) {
  if (models.empty()) throw Error(operation, "there are no models");
  std::vector<std::vector<NamedTensor>> parameters, buffers;
  for (const ModuleRef& model : models) {
    if (model.type_tag() != models[0].type_tag()) {
      throw Error(operation, fmt::format("a {} among models of type {}", model.type(), models[0].type()),
                  "all models must be of one type");
    }
    if (modes(model) != modes(models[0])) {
      throw Error(operation, "some models train and others do not", "call train() or eval() on all of them");
    }
    parameters.push_back(model.named_parameters());
    buffers.push_back(model.named_buffers());
  }
  return {.parameters = stacked(parameters),
          .buffers = stacked(buffers),
          .size = static_cast<std::int64_t>(models.size())};
}

}  // namespace mica::nn
