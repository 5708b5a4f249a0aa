// Parameters whose names follow from numbers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mica/nn/walk.h>

namespace mica::nn {

// Parameters in the order in which they were added. As a member of a module they are the module's own:
// "weight_ih_l0", without the name of the member, as if the module had declared each of them.
class NamedParameters {
 public:
  using key_type = std::string;
  using mapped_type = Parameter;

  void emplace(std::string name, Parameter parameter) {
    items_.emplace_back(std::move(name), std::move(parameter));
  }
  // Errors: no parameter of that name.
  Parameter& operator[](std::string_view name);
  const Parameter& operator[](std::string_view name) const;
  std::size_t size() const { return items_.size(); }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<std::string, Parameter>> items_;
};

// Takes the place of detail::walk_member() for such members: shows each parameter under its own name.
void walk_member(std::string_view, NamedParameters& parameters, Visitor& v);

}  // namespace mica::nn
