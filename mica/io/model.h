// Models in files.
#pragma once

#include <cstdint>
#include <filesystem>

#include <mica/io/safetensors.h>
#include <mica/nn/module.h>

namespace mica {

struct SaveOptions {
  // A larger model is split into files of at most so many bytes of tensors each, with an index, as Hugging
  // Face does; 0: never. See io::write_shards.
  std::uint64_t max_shard_bytes = 0;
};

namespace io {
void save_model(const nn::ModuleRef& model, const std::filesystem::path& path, const SaveOptions& options);
nn::LoadReport load_model(const nn::ModuleRef& model, const std::filesystem::path& path,
                          const nn::LoadOptions& options);
}  // namespace io

// Writes parameters and persistent buffers as safetensors under PyTorch's names, atomically. A file written
// here loads in Python with safetensors.torch.load_file.
template <nn::IsModule M>
void save(const M& model, const std::filesystem::path& path, const SaveOptions& options = {}) {
  io::save_model(nn::ModuleRef(model), path, options);
}

// Reads such a file, or shards by the same name or by that of their index, into the model. Files are mapped:
// its numbers are copied once, from there to the parameters; with {.assign = true} not at all, the parameters
// then are views of the map, as with io::ReadOptions. Nothing changes if it throws. Errors: a damaged file,
// names or shapes that differ.
template <nn::IsModule M>
nn::LoadReport load(M& model, const std::filesystem::path& path, const nn::LoadOptions& options = {}) {
  return io::load_model(nn::ModuleRef(model), path, options);
}

}  // namespace mica
