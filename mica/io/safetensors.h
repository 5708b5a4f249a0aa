// The safetensors format: named tensors and text metadata in one file
// (https://github.com/huggingface/safetensors).
#pragma once

#include <map>
#include <string>

#include <mica/core/file_path.h>
#include <mica/tensor/state_dict.h>

namespace mica::io {

struct SafetensorsFile {
  StateDict tensors;  // in the order of their data
  std::map<std::string, std::string> metadata;
};

// Writes atomically: a temporary file beside the target, flushed to disk, then renamed. On any failure (full
// disk, unwritable folder) the old file stays as it was, the temporary one is removed, and an Error says why.
void write_safetensors(const FilePath& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata = {});

struct ReadOptions {
  // The tensors are views of the file, mapped into memory: a page is read when it is first used, and nothing
  // is copied (tensors that are not aligned to their item size excepted). They keep the map alive, and
  // changes in place stay in memory. What happens when somebody else changes the file meanwhile: see
  // InputFile::map.
  bool map = false;
};

// Reads a file. Every byte is distrusted: sizes, offsets, overlaps, names and dtypes are checked before
// memory is taken. Errors: not a safetensors file, and where it breaks the format; dtypes that Mica does not
// have.
SafetensorsFile read_safetensors(const FilePath& path, const ReadOptions& options = {});

}  // namespace mica::io
