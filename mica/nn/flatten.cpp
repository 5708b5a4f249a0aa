#include <fmt/format.h>

#include <mica/nn/flatten.h>

namespace mica::nn {

std::string Unflatten::extra_repr() const {
  std::string sizes = mica::to_string(unflattened_size);  // a Python list, and PyTorch users give a tuple
  sizes.front() = '(';
  sizes.back() = ')';
  if (unflattened_size.size() == 1) sizes.insert(sizes.size() - 1, ",");
  return fmt::format("dim={}, unflattened_size={}", dim, sizes);
}

}  // namespace mica::nn
