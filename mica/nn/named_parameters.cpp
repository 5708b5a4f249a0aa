#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/named_parameters.h>

namespace mica::nn {

const Parameter& NamedParameters::operator[](std::string_view name) const {
  std::vector<std::string_view> names;
  names.reserve(items_.size());
  for (const auto& [key, parameter] : items_) {
    if (key == name) return parameter;
    names.push_back(key);
  }
  const std::string closest = closest_name(name, names);
  throw Error("NamedParameters", fmt::format("no parameter \"{}\"", name),
              closest.empty() ? "" : fmt::format("did you mean \"{}\"?", closest));
}

Parameter& NamedParameters::operator[](std::string_view name) {
  return const_cast<Parameter&>(std::as_const(*this)[name]);
}

void walk_member(std::string_view, NamedParameters& parameters, Visitor& v) {
  for (auto& [name, parameter] : parameters) detail::walk_member(name, parameter, v);
}

}  // namespace mica::nn
