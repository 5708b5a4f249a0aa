#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/nn/functional_call.h>

namespace mica::nn::detail {

namespace {

struct Places final : Visitor {
  std::vector<std::pair<std::string, Tensor*>> found;
  void parameter(std::string_view name, Parameter& p) override { found.emplace_back(path(name), &p); }
  void buffer(std::string_view name, Buffer& b) override { found.emplace_back(path(name), &b); }
  void uninitialized_parameter(std::string_view name, Parameter& p) override {
    throw_uninitialized("functional_call", path(name), p);
  }
  void uninitialized_buffer(std::string_view name, Buffer& b) override {
    throw_uninitialized("functional_call", path(name), b);
  }
};

// Why a tensor cannot stand in for another; empty if it can.
std::string misfit(std::string_view name, const Tensor& given, const Tensor& own) {
  if (!given.defined()) return fmt::format("\"{}\" is undefined", name);
  if (given.sizes() != own.sizes()) {
    return fmt::format("\"{}\" has shape {}, the model's has {}", name, to_string(given.sizes()),
                       to_string(own.sizes()));
  }
  if (given.is_floating_point() == own.is_floating_point()) return {};
  return fmt::format("\"{}\" is {}, the model's is {}", name, mica::name(given.dtype()),
                     mica::name(own.dtype()));
}

std::string unknown(std::string_view name, const Places& places) {
  std::vector<std::string_view> known;
  known.reserve(places.found.size());
  for (const auto& [path, place] : places.found) known.push_back(path);
  const std::string closest = closest_name(name, known);
  return fmt::format("\"{}\" is no parameter or buffer{}", name,
                     closest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", closest));
}

}  // namespace

Substitution::Substitution(const ModuleRef& model, const StateDict& tensors,
                           const FunctionalCallOptions& options) {
  Places places;
  model.walk(places);
  std::map<std::string_view, const Tensor*> own;  // by name
  for (const auto& [name, place] : places.found) own.emplace(name, place);

  std::vector<std::string> problems;
  std::map<const TensorImpl*, const StateDict::Entry*> given;  // by the tensor whose place it takes
  for (const StateDict::Entry& entry : tensors) {
    const auto& [name, tensor] = entry;
    const auto it = own.find(name);
    if (it == own.end()) {
      problems.push_back(unknown(name, places));
      continue;
    }
    if (std::string problem = misfit(name, tensor, *it->second); !problem.empty())
      problems.push_back(std::move(problem));
    const auto [first, added] = given.try_emplace(it->second->impl().get(), &entry);
    if (!added && options.tie_weights && !first->second->second.is_same(tensor)) {
      problems.push_back(fmt::format("\"{}\" and \"{}\" are one parameter, but two tensors were given",
                                     first->second->first, name));
    }
  }
  for (const auto& [name, place] : places.found) {
    const Tensor* tensor = tensors.find(name);
    if (tensor == nullptr && options.tie_weights) {
      const auto it = given.find(place->impl().get());
      if (it != given.end()) tensor = &it->second->second;
    }
    if (tensor != nullptr)
      places_.emplace_back(place, *tensor);
    else if (options.strict)
      problems.push_back(fmt::format("\"{}\" is missing", name));
  }
  if (!problems.empty()) {
    throw Error("functional_call", fmt::format("the tensors do not fit {}:\n    {}", model.type(),
                                               fmt::join(problems, "\n    ")));
  }
  exchange();
}

void Substitution::exchange() noexcept {
  for (auto& [place, other] : places_) std::swap(*place, other);
}

}  // namespace mica::nn::detail
