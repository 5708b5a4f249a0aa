// Models in files.
#pragma once

#include <cstdint>

#include <mica/core/file_path.h>
#include <mica/io/safetensors.h>
#include <mica/nn/module.h>
#include <mica/nn/rebuild.h>

namespace mica {

struct SaveOptions {
  // A larger model is split into files of at most so many bytes of tensors each, with an index, as Hugging
  // Face does; 0: never. See io::write_shards.
  std::uint64_t max_shard_bytes = 0;
};

namespace io {
void save_model(const nn::ModuleRef& model, const FilePath& path, const SaveOptions& options);
nn::LoadReport load_model(const nn::ModuleRef& model, const FilePath& path, const nn::LoadOptions& options);
struct SavedModel {
  StateDict tensors;
  nn::Blueprint blueprint;
};
SavedModel read_model(const FilePath& path);
void fill_model(const nn::ModuleRef& model, const SavedModel& saved);
}  // namespace io

// Writes parameters and persistent buffers as safetensors under PyTorch's names, atomically. A file written
// here loads in Python with safetensors.torch.load_file. The file also gets the plain members of all modules,
// as rebuild() needs them.
template <nn::IsModule M> void save(const M& model, const FilePath& path, const SaveOptions& options = {}) {
  io::save_model(nn::ModuleRef(model), path, options);
}

// Reads such a file, or shards by the same name or by that of their index, into the model. Files are mapped:
// its numbers are copied once, from there to the parameters; with {.assign = true} not at all, the parameters
// then are views of the map, as with io::ReadOptions. Nothing changes if it throws. Errors: a damaged file,
// names or shapes that differ.
template <nn::IsModule M>
nn::LoadReport load(M& model, const FilePath& path, const nn::LoadOptions& options = {}) {
  return io::load_model(nn::ModuleRef(model), path, options);
}

// The model that was saved, plain members and all: see nn::rebuild. Its tensors have the dtypes of the file.
//   Net net = rebuild<Net>("net.safetensors");
// Errors: a file that save() did not write; one whose members or tensors do not fit the program's M.
template <nn::IsModule M> M rebuild(const FilePath& path) {
  const io::SavedModel saved = io::read_model(path);
  M model = nn::rebuild<M>(saved.blueprint);
  io::fill_model(nn::ModuleRef(model), saved);
  return model;
}

}  // namespace mica
