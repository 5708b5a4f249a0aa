// Blueprints of models in the metadata of files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <mica/nn/blueprint.h>

namespace mica::io {

using Metadata = std::map<std::string, std::string>;

// The metadata of a model's file: "format", which Python's loaders ask for, and the blueprint as JSON under
// "mica.model". Errors: text that is not UTF-8.
Metadata model_metadata(const nn::Blueprint& blueprint);

// The blueprint in such metadata; nothing if there is none. Errors, naming the file: a damaged one, one of a
// newer format.
std::optional<nn::Blueprint> blueprint_in(const Metadata& metadata, const std::filesystem::path& file);

}  // namespace mica::io
