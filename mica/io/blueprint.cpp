#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/blueprint.h>
#include <mica/io/json_check.h>
#include <mica/nn/plain_value.h>

namespace mica::io {

namespace {

using nlohmann::json;
using nn::Blueprint;
using nn::Plain;
using nn::PlainValue;

constexpr const char* metadata_key = "mica.model";
constexpr int format =
    1;  // of this JSON: {"format", "modules": {path: {"type", "version", "fields"}}, "ties"}

json to_json(const Plain& plain) {
  return std::visit(
      []<class T>(const T& value) -> json {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, PlainValue::List>) {
          json out = json::array();
          for (const Plain& item : value) out.push_back(to_json(item));
          return out;
        } else if constexpr (std::is_same_v<T, PlainValue::Record>) {
          json out = json::object();
          for (const auto& [name, item] : value) out[name] = to_json(item);
          return out;
        } else {
          return value;
        }
      },
      plain.value().value);
}

// The depth of the text was checked, so this ends.
Plain from_json(const json& value) {
  switch (value.type()) {
    case json::value_t::boolean: return Plain({value.get<bool>()});
    case json::value_t::number_integer: return Plain({value.get<std::int64_t>()});
    case json::value_t::number_unsigned: {
      const auto number = value.get<std::uint64_t>();
      if (std::in_range<std::int64_t>(number)) return Plain({static_cast<std::int64_t>(number)});
      return Plain({number});
    }
    case json::value_t::number_float: return Plain({value.get<double>()});
    case json::value_t::string: return Plain({value.get<std::string>()});
    case json::value_t::array: {
      PlainValue::List out;
      for (const json& item : value) out.push_back(from_json(item));
      return Plain({std::move(out)});
    }
    case json::value_t::object: {
      PlainValue::Record out;
      for (const auto& [name, item] : value.items()) out.emplace_back(name, from_json(item));
      return Plain({std::move(out)});
    }
    default: return {};
  }
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what,
                       const std::string& hint = "the file is damaged") {
  throw Error("read_model", fmt::format("{}: {}", file.string(), what), hint);
}

}  // namespace

Metadata model_metadata(const Blueprint& blueprint) {
  json modules = json::object();
  for (const auto& [path, part] : blueprint.parts) {
    json entry{{"type", part.type}, {"version", part.version}};
    if (!part.fields.is_nothing()) entry["fields"] = to_json(part.fields);
    modules[path] = std::move(entry);
  }
  try {
    const json all{{"format", format}, {"modules", modules}, {"ties", blueprint.ties}};
    return {{"format", "pt"}, {metadata_key, all.dump()}};
  } catch (const json::exception&) {
    throw Error("save", "a plain member holds text that is not valid UTF-8",
                "save keeps the plain members of a model in the file; text in them must be UTF-8");
  }
}

std::optional<Blueprint> blueprint_in(const Metadata& metadata, const std::filesystem::path& file) {
  const auto text = metadata.find(metadata_key);
  if (text == metadata.end()) return {};
  constexpr std::size_t deepest = 64;
  const std::string what = fmt::format("the metadata \"{}\"", metadata_key);
  if (const std::string problem = problem_in_json(text->second, deepest, what); !problem.empty())
    fail(file, problem);
  const json all = json::parse(text->second);
  const auto wrong = [&](const std::string& where) { fail(file, fmt::format("{} has no {}", what, where)); };

  if (!all.is_object() || !all.contains("format") || !all["format"].is_number_unsigned()) wrong("format");
  if (const auto found = all["format"].get<std::uint64_t>(); found != format) {
    fail(file, fmt::format("{} has format {}; this program knows {}", what, found, format),
         "use a newer Mica, or io::read_safetensors for the tensors alone");
  }
  if (!all.contains("modules") || !all["modules"].is_object()) wrong("modules");
  Blueprint out;
  for (const auto& [path, entry] : all["modules"].items()) {
    if (!entry.is_object() || !entry.contains("type") || !entry["type"].is_string() ||
        !entry.contains("version") || !entry["version"].is_number_unsigned() ||
        entry["version"].get<std::uint64_t>() > std::numeric_limits<int>::max() ||
        (entry.contains("fields") && !entry["fields"].is_object())) {
      wrong(fmt::format("valid type, version and fields of module \"{}\"", path));
    }
    Blueprint::Part& part = out.parts[path];
    part.type = entry["type"];
    part.version = entry["version"];
    if (entry.contains("fields")) part.fields = from_json(entry["fields"]);
  }
  if (!all.contains("ties") || !all["ties"].is_array()) wrong("ties");
  for (const json& tie : all["ties"]) {
    if (!tie.is_array()) wrong("valid ties");
    std::vector<std::string>& names = out.ties.emplace_back();
    for (const json& name : tie) {
      if (!name.is_string()) wrong("valid ties");
      names.push_back(name);
    }
  }
  return out;
}

}  // namespace mica::io
