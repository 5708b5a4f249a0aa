// Models in several files, in Hugging Face's layout: net-00001-of-00003.safetensors and so on, and
// net.safetensors.index.json, which says which tensor is in which file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <mica/io/safetensors.h>

namespace mica::io {

// Writes the tensors in order to files of at most `max_bytes` of tensors each (a larger tensor gets a file of
// its own) beside `path`, and the index last: it replaces what was saved under that name before, one file or
// shards, in one step. If all fits into one file, that is written alone. The metadata is in the index, or in
// the one file. Errors: as write_safetensors; what was there before is unchanged then.
void write_shards(const std::filesystem::path& path, const StateDict& tensors, std::uint64_t max_bytes,
                  const std::map<std::string, std::string>& metadata = {});

// Reads the tensors that an index lists, and its metadata. Every byte is distrusted: the shards lie beside
// the index, whatever it says. Errors: not an index; a shard that is missing or damaged, or lacks a tensor.
SafetensorsFile read_shards(const std::filesystem::path& index, const ReadOptions& options = {});

// Reads what `path` names: a safetensors file, an index (*.index.json), or, if there is no such file, the
// shards saved under that name.
SafetensorsFile read_file_or_shards(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace mica::io
