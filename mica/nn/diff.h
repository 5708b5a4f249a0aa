// What two models have in common, by what they do not.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <mica/nn/module_ref.h>

namespace mica::nn {

struct Difference {
  enum class Kind : std::uint8_t {
    only_in_a,         // a module with all that is in it, or a parameter or buffer
    only_in_b,         // likewise
    type,              // of a module, or a parameter here and a buffer there
    hyper_parameters,  // what print shows of a module
    mode,              // train or eval
    tie,               // the parameter is tied to another one
    shape,
    dtype,
    requires_grad,
    values,
  };
  Kind kind;
  std::string path;  // of the module, member or mode
  std::string a, b;  // what each has; one is empty if it is only in the other
  // Of values: the largest |a - b|, and that divided by the largest |a| or |b|. NaN where one of two elements
  // is a NaN and the other is none.
  double max_abs = 0, relative = 0;
};
// "only in a", "shape"...
std::string_view to_string(Difference::Kind kind);

// The result of diff(): empty if the models are equal.
struct Differences {
  std::vector<Difference> list;
  bool empty() const { return list.empty(); }
  std::size_t size() const { return list.size(); }
  auto begin() const { return list.begin(); }
  auto end() const { return list.end(); }
  // A line for each.
  std::string to_string() const;
};
std::ostream& operator<<(std::ostream& out, const Differences& differences);

// Compares two models of any types, member by member of the same path: the modules, their hyper-parameters
// and modes, the parameters and buffers. Shapes that agree have their values compared, whatever the dtypes;
// NaN equals NaN. Gradients, hooks and bare tensors do not count.
//   std::cout << nn::diff(model, restored);
Differences diff(const ModuleRef& a, const ModuleRef& b);

}  // namespace mica::nn
