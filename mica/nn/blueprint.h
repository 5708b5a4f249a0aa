// What a model is besides its numbers: the types, versions and plain members of its modules, and its ties.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <mica/nn/module_ref.h>
#include <mica/nn/plain.h>

namespace mica::nn {

struct Blueprint {
  struct Part {
    std::string type;
    int version = 1;
    Plain fields = {};  // a record, or nothing
  };
  std::map<std::string, Part, std::less<>> parts = {};  // by module path; "" is the model
  std::vector<std::vector<std::string>> ties = {};      // paths of parameters that are one

  const Part* find(std::string_view path) const;
  // The names of what is directly inside: "0", "1"... of a list. In the order of std::map.
  std::vector<std::string> children(std::string_view path) const;
};

Blueprint blueprint(const ModuleRef& model);

// Gives the plain members of a model, and its ties, what the blueprint says. Errors: types that differ,
// members of either side that the other does not have, values that do not fit; all offenders at once, and
// nothing is changed then.
void apply_blueprint(const ModuleRef& model, const Blueprint& blueprint);

namespace detail {
std::string join_path(std::string_view path, std::string_view name);
[[noreturn]] void throw_misfits(std::string_view type, const std::vector<std::string>& misfits);
}  // namespace detail

}  // namespace mica::nn
