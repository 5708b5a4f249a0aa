// Loading state into a module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/tensor/state_dict.h>

namespace mica::nn {

struct LoadOptions {
  bool strict = true;  // missing and unexpected names are errors
  // The parameters and buffers take the memory and the dtype of the loaded tensors instead of copying the
  // numbers. They stay the parameters that they were: ties and optimizers go on working.
  bool assign = false;
  bool same_dtype = false;       // a dtype that differs is an error; else the numbers are converted
  bool skip_mismatched = false;  // entries that do not fit are left out and reported; else they are errors
  std::string prefix = {};       // only names that start with this count, without it
  // From the name in the state (after the prefix) to the model's; an empty one leaves the entry out.
  AnyFunction<std::string(std::string_view)> rename = {};
  // The version of the module at a path (the model's) that saved the state, 0 if nobody knows; see
  // ModuleRef::version. Empty: the present ones. load() reads them in the file.
  AnyFunction<int(std::string_view)> version_of = {};
};

// What load_state_dict did, in the model's names.
struct LoadReport {
  std::vector<std::string> applied, missing, unexpected, mismatched;
};

}  // namespace mica::nn
