#include <mica/nn/meta.h>

namespace mica::nn {

void to_empty(const ModuleRef& module) {
  const auto fill = [](const std::vector<Tensor>& members) {
    for (const Tensor& x : members) {
      if (is_meta(x)) detail::replace_memory(x, empty(x.sizes(), x.dtype()), "to_empty");
    }
  };
  fill(module.parameters());
  fill(module.buffers());
}

}  // namespace mica::nn
