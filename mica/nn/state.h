// Loading state into a module.
#pragma once

#include <string>
#include <vector>

#include <mica/tensor/state_dict.h>

namespace mica::nn {

struct LoadOptions {
  bool strict = true;  // missing and unexpected names are errors
};

// What load_state_dict did.
struct LoadReport {
  std::vector<std::string> applied, missing, unexpected;
};

}  // namespace mica::nn
