// Models in files.
#pragma once

#include <filesystem>

#include <mica/io/safetensors.h>
#include <mica/nn/module.h>

namespace mica {

namespace io {
void save_model(const nn::ModuleRef& model, const std::filesystem::path& path);
nn::LoadReport load_model(const nn::ModuleRef& model, const std::filesystem::path& path,
                          const nn::LoadOptions& options);
}  // namespace io

// Writes parameters and persistent buffers as safetensors under PyTorch's names, atomically. A file written
// here loads in Python with safetensors.torch.load_file.
template <nn::IsModule M> void save(const M& model, const std::filesystem::path& path) {
  io::save_model(nn::ModuleRef(model), path);
}

// Reads such a file into the model. The file is mapped: its numbers are copied once, from there to the
// parameters; with {.assign = true} not at all, the parameters then are views of the map, as with
// io::ReadOptions. Nothing changes if it throws. Errors: a damaged file, names or shapes that differ.
template <nn::IsModule M>
nn::LoadReport load(M& model, const std::filesystem::path& path, const nn::LoadOptions& options = {}) {
  return io::load_model(nn::ModuleRef(model), path, options);
}

}  // namespace mica
