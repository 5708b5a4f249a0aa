#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/io/blueprint.h>
#include <mica/io/model.h>
#include <mica/io/shards.h>

namespace mica::io {

namespace {

// By the model's paths; a file that says nothing has version 0 everywhere.
AnyFunction<int(std::string_view)> versions_in(const nn::Blueprint& blueprint, const std::string& prefix) {
  return [&blueprint, prefix](std::string_view path) {
    std::string full = prefix + std::string(path);
    if (full.ends_with('.')) full.pop_back();
    const nn::Blueprint::Part* part = blueprint.find(full);
    return part != nullptr ? part->version : 0;
  };
}

}  // namespace

void save_model(const nn::ModuleRef& model, const FilePath& path, const SaveOptions& options) {
  const Metadata metadata = model_metadata(nn::blueprint(model));
  if (options.max_shard_bytes == 0)
    write_safetensors(path, model.state_dict(), metadata);
  else
    write_shards(path.string(), model.state_dict(), options.max_shard_bytes, metadata);
}

nn::LoadReport load_model(const nn::ModuleRef& model, const FilePath& path, const nn::LoadOptions& options) {
  const SafetensorsFile file = read_file_or_shards(path.string(), {.map = true});
  const nn::Blueprint blueprint = blueprint_in(file.metadata, path.string()).value_or(nn::Blueprint());
  nn::LoadOptions with_versions = options;
  if (!options.version_of) with_versions.version_of = versions_in(blueprint, options.prefix);
  return model.load_state_dict(file.tensors, with_versions);
}

SavedModel read_model(const FilePath& path) {
  SafetensorsFile file = read_file_or_shards(path.string());
  std::optional<nn::Blueprint> blueprint = blueprint_in(file.metadata, path.string());
  if (!blueprint.has_value()) {
    throw Error(
        "rebuild", fmt::format("{} says nothing of the members that its model was made from", path.string()),
        "it was written by PyTorch or by write_safetensors: construct the model and load(model, path)");
  }
  return {.tensors = std::move(file.tensors), .blueprint = *std::move(blueprint)};
}

void fill_model(const nn::ModuleRef& model, const SavedModel& saved) {
  model.load_state_dict(saved.tensors, {.assign = true, .version_of = versions_in(saved.blueprint, "")});
}

}  // namespace mica::io
