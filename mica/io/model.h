// Models in files.
#pragma once

#include <filesystem>

#include <mica/io/safetensors.h>
#include <mica/nn/module.h>

namespace mica {

// Writes parameters and persistent buffers as safetensors under PyTorch's names, atomically. A file written
// here loads in Python with safetensors.torch.load_file.
template <nn::IsModule M> void save(const M& model, const std::filesystem::path& path) {
  io::write_safetensors(path, model.state_dict(), {{"format", "pt"}});
}

// Reads such a file into the model. Nothing changes if it throws. Errors: a damaged file, names or shapes
// that differ.
template <nn::IsModule M>
nn::LoadReport load(M& model, const std::filesystem::path& path, const nn::LoadOptions& options = {}) {
  return model.load_state_dict(io::read_safetensors(path).tensors, options);
}

}  // namespace mica
