#include <mica/io/model.h>

namespace mica::io {

void save_model(const nn::ModuleRef& model, const std::filesystem::path& path) {
  write_safetensors(path, model.state_dict(), {{"format", "pt"}});
}

nn::LoadReport load_model(const nn::ModuleRef& model, const std::filesystem::path& path,
                          const nn::LoadOptions& options) {
  return model.load_state_dict(read_safetensors(path, {.map = true}).tensors, options);
}

}  // namespace mica::io
