#include <mica/io/model.h>
#include <mica/io/shards.h>

namespace mica::io {

void save_model(const nn::ModuleRef& model, const std::filesystem::path& path, const SaveOptions& options) {
  const std::map<std::string, std::string> metadata{{"format", "pt"}};  // what Python's loaders ask for
  if (options.max_shard_bytes == 0)
    write_safetensors(path, model.state_dict(), metadata);
  else
    write_shards(path, model.state_dict(), options.max_shard_bytes, metadata);
}

nn::LoadReport load_model(const nn::ModuleRef& model, const std::filesystem::path& path,
                          const nn::LoadOptions& options) {
  return model.load_state_dict(read_file_or_shards(path, {.map = true}).tensors, options);
}

}  // namespace mica::io
