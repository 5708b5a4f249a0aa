#include <algorithm>
#include <cstddef>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/file.h>
#include <mica/io/json_check.h>
#include <mica/io/shards.h>

namespace mica::io {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* index_suffix = ".index.json";
constexpr std::uint64_t max_index = 100'000'000;  // as for headers

bool is_there(const fs::path& path) {
  std::error_code unknown;  // then opening the file says why
  return fs::exists(path, unknown);
}

fs::path index_of(const fs::path& path) {
  fs::path index = path;
  return index += index_suffix;
}

[[noreturn]] void fail(const fs::path& index, const std::string& what,
                       const std::string& hint = "the file is damaged or not an index of safetensors files") {
  throw Error("read_shards", fmt::format("{}: {}", index.string(), what), hint);
}

// A name without folders: what follows from it lies beside the index, on any system.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos;
}

struct Index {
  std::map<std::string, std::set<std::string>> tensors_of;  // by shard
  std::map<std::string, std::string> metadata;
};

Index read_index(const fs::path& path) {
  InputFile file(path);
  if (file.size() > max_index) fail(path, fmt::format("{} bytes are too many", file.size()));
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(text.data(), text.size());
  constexpr std::size_t deepest = 8;  // {"weight_map": {; metadata may be anything
  if (const std::string problem = problem_in_json(text, deepest, "the index"); !problem.empty())
    fail(path, problem);
  const json content = json::parse(text);
  if (!content.is_object() || !content.contains("weight_map") || !content["weight_map"].is_object())
    fail(path, "there is no object \"weight_map\"");

  Index index;
  for (const auto& [name, shard] : content["weight_map"].items()) {
    if (!shard.is_string()) fail(path, fmt::format("the file of tensor \"{}\" is not text", name));
    const auto& shard_name = shard.get_ref<const std::string&>();
    if (!is_plain_name(shard_name)) {
      fail(path, fmt::format("tensor \"{}\" is said to be in \"{}\"", name, shard_name),
           "shards lie beside their index and are named without folders; do not trust this file");
    }
    index.tensors_of[shard_name].insert(name);
  }
  const json metadata = content.value("metadata", json::object());
  if (!metadata.is_object()) fail(path, "\"metadata\" is not an object");
  for (const auto& [key, value] : metadata.items())
    index.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
  return index;
}

std::uint64_t bytes_of(const Tensor& x) {
  return static_cast<std::uint64_t>(x.numel()) * item_size(x.dtype());
}

std::vector<StateDict> split(const StateDict& tensors, std::uint64_t max_bytes) {
  std::vector<StateDict> parts(1);
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw Error("write_shards", fmt::format("tensor \"{}\" is undefined", name));
    const std::uint64_t more = bytes_of(tensor);
    if (!parts.back().empty() && (bytes > max_bytes || more > max_bytes - bytes)) {
      parts.emplace_back();
      bytes = 0;
    }
    parts.back().insert(name, tensor);
    bytes += more;
  }
  return parts;
}

// Names for new shards that nothing has yet: the old ones are needed until the index is replaced.
std::vector<fs::path> free_names(const fs::path& path, std::size_t count) {
  for (std::size_t attempt = 1;; ++attempt) {
    std::string stem = path.stem().string();
    if (attempt > 1) stem += fmt::format("-{}", attempt);
    std::vector<fs::path> names;
    bool taken = false;
    for (std::size_t i = 1; i <= count; ++i) {
      names.push_back(path.parent_path() /
                      fmt::format("{}-{:05}-of-{:05}{}", stem, i, count, path.extension().string()));
      taken = taken || is_there(names.back());
    }
    if (!taken) return names;
  }
}

// The shards of an index that is about to be replaced, as far as they are known for such by their names.
std::vector<fs::path> old_shards(const fs::path& path) {
  std::vector<fs::path> out;
  if (!is_there(index_of(path))) return out;
  try {
    for (const auto& [name, tensors] : read_index(index_of(path)).tensors_of) {
      if (name.starts_with(path.stem().string() + "-") && name.ends_with(path.extension().string()))
        out.push_back(path.parent_path() / name);
    }
  } catch (const Error&) {
    out.clear();  // a damaged index is replaced and says nothing
  }
  return out;
}

void remove_all(const std::vector<fs::path>& files) {
  std::error_code ignored;  // what stays is in nobody's way
  for (const fs::path& file : files) fs::remove(file, ignored);
}

}  // namespace

void write_shards(const fs::path& path, const StateDict& tensors, std::uint64_t max_bytes,
                  const std::map<std::string, std::string>& metadata) {
  const std::vector<StateDict> parts = split(tensors, max_bytes);
  if (parts.size() == 1) {
    write_safetensors(path, tensors, metadata);
    return;
  }
  const std::vector<fs::path> names = free_names(path, parts.size());
  std::vector<fs::path> old = old_shards(path);
  old.push_back(path);

  json weight_map = json::object();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const auto& [name, tensor] : parts[i]) {
      weight_map[name] = names[i].filename().string();
      total += bytes_of(tensor);
    }
  }
  json about = metadata;
  about["total_size"] = total;
  try {
    const std::string index = json{{"metadata", about}, {"weight_map", weight_map}}.dump(2) + "\n";
    for (std::size_t i = 0; i < parts.size(); ++i) write_safetensors(names[i], parts[i], {{"format", "pt"}});
    AtomicFile file(index_of(path));
    file.write(index);
    file.commit();
  } catch (const json::exception&) {
    throw Error("write_shards", "a name or the metadata is not valid UTF-8");
  } catch (...) {
    remove_all(names);
    throw;
  }
  remove_all(old);
}

SafetensorsFile read_shards(const fs::path& index, const ReadOptions& options) {
  Index listed = read_index(index);
  SafetensorsFile out{.tensors = {}, .metadata = std::move(listed.metadata)};
  for (const auto& [shard, names] : listed.tensors_of) {
    const fs::path path = index.parent_path() / shard;
    if (!is_there(path)) {
      fail(index, fmt::format("shard \"{}\" is missing", shard), "all shards must lie beside their index");
    }
    std::size_t found = 0;
    const SafetensorsFile file = read_safetensors(path, options);
    for (const auto& [name, tensor] : file.tensors) {
      if (!names.contains(name)) continue;  // the index decides
      out.tensors.insert(name, tensor);
      ++found;
    }
    if (found == names.size()) continue;
    const auto missing =
        std::ranges::find_if(names, [&](const auto& n) { return !file.tensors.contains(n); });
    fail(index, fmt::format("tensor \"{}\" is not in shard \"{}\"", *missing, shard),
         "index and shards come from different models, or one of them is damaged");
  }
  return out;
}

SafetensorsFile read_file_or_shards(const fs::path& path, const ReadOptions& options) {
  if (path.filename().string().ends_with(index_suffix)) return read_shards(path, options);
  if (!is_there(path) && is_there(index_of(path))) return read_shards(index_of(path), options);
  return read_safetensors(path, options);
}

}  // namespace mica::io
