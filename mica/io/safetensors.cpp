#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/file.h>
#include <mica/io/json_check.h>
#include <mica/io/safetensors.h>

namespace mica::io {

namespace {

using nlohmann::json;

// 8 bytes of header length, the JSON header, then the tensors' bytes. The format limits the header to 100 MB.
constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t max_header = 100'000'000;

struct Name {
  DType dtype;
  std::string_view text;
};
constexpr Name dtype_names[] = {{f32, "F32"}, {f64, "F64"}, {bf16, "BF16"}, {f16, "F16"},
                                {i64, "I64"}, {i32, "I32"}, {u8, "U8"},     {boolean, "BOOL"}};

std::string_view text_of(DType dtype) {
  return std::find_if(std::begin(dtype_names), std::end(dtype_names),
                      [&](const Name& n) { return n.dtype == dtype; })
      ->text;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what,
                       const std::string& hint = "the file is damaged or not a safetensors file") {
  throw Error("read_safetensors", fmt::format("{}: {}", path.string(), what), hint);
}

// One entry of the header, checked.
struct Entry {
  std::string name;
  DType dtype;
  Shape sizes;
  std::uint64_t begin, end;
};

Entry read_entry(const std::filesystem::path& path, const std::string& name, const json& entry,
                 std::uint64_t data_bytes) {
  const auto bad = [&](const std::string& what) { fail(path, fmt::format("tensor \"{}\": {}", name, what)); };
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    bad("the header entry is not {dtype, shape, data_offsets}");
  }
  const auto& dtype = entry["dtype"];
  const auto& shape = entry["shape"];
  const auto& offsets = entry["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2 ||
      !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    bad("the header entry has values of the wrong kind");
  }
  Entry e{.name = name, .dtype = f32, .sizes = {}, .begin = offsets[0], .end = offsets[1]};
  const auto* known = std::find_if(std::begin(dtype_names), std::end(dtype_names), [&](const Name& n) {
    return n.text == dtype.get_ref<const std::string&>();
  });
  if (known == std::end(dtype_names)) {
    fail(path, fmt::format("tensor \"{}\": dtype {} is not supported", name, dtype.get<std::string>()),
         "Mica has F64, F32, BF16, F16, I64, I32, U8 and BOOL; convert the file");
  }
  e.dtype = known->dtype;
  if (shape.size() > max_dims)
    bad(fmt::format("{} dimensions, but a tensor has at most {}", shape.size(), max_dims));
  auto bytes = static_cast<std::int64_t>(item_size(e.dtype));
  for (const auto& n : shape) {
    if (!n.is_number_unsigned()) bad("a size is not a whole number");
    const std::uint64_t size = n;
    // 0 counts as 1, since strides are products of the other sizes
    if (size > std::numeric_limits<std::int64_t>::max() ||
        __builtin_mul_overflow(bytes, std::max<std::uint64_t>(size, 1), &bytes)) {
      bad("the shape has more bytes than can be counted");
    }
    e.sizes.push_back(static_cast<std::int64_t>(size));
  }
  if (e.sizes.numel() == 0) bytes = 0;
  if (e.begin > e.end || e.end > data_bytes) {
    bad(fmt::format("its bytes {}..{} lie outside the {} bytes of data", e.begin, e.end, data_bytes));
  }
  if (e.end - e.begin != static_cast<std::uint64_t>(bytes)) {
    bad(fmt::format("shape {} of {} needs {} bytes, the header gives {}", to_string(e.sizes),
                    mica::name(e.dtype), bytes, e.end - e.begin));
  }
  return e;
}

// Any byte but 0 and 1 would be undefined behaviour as a bool. Valid ones are not written to, so that a
// mapped page is not copied for nothing.
void make_valid(const Tensor& flags) {
  auto* bytes = static_cast<std::uint8_t*>(flags.raw_data());
  for (std::int64_t i = 0; i < flags.numel(); ++i) {
    if (bytes[i] > 1) bytes[i] = 1;
  }
}

json parse_header(const std::filesystem::path& path, const std::string& text) {
  constexpr std::size_t deepest = 3;  // {"name": {"shape": [
  if (const std::string problem = problem_in_json(text, deepest, "the header"); !problem.empty())
    fail(path, problem);
  return json::parse(text);
}

}  // namespace

void write_safetensors(const FilePath& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  // Larger items first, so that every tensor is aligned to its item size, as the reference implementation
  // does.
  std::vector<const StateDict::Entry*> order;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw Error("write_safetensors", fmt::format("tensor \"{}\" is undefined", name));
  }
  for (const std::size_t size : {8U, 4U, 2U, 1U}) {
    for (const auto& entry : tensors) {
      if (item_size(entry.second.dtype()) == size) order.push_back(&entry);
    }
  }
  std::vector<Tensor> data;
  std::uint64_t offset = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    if (name == "__metadata__")
      throw Error("write_safetensors", "\"__metadata__\" cannot be a tensor's name");
    data.push_back(tensor.detach().contiguous());
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.numel()) * item_size(tensor.dtype());
    header[name] = {{"dtype", text_of(tensor.dtype())},
                    {"shape", std::vector<std::int64_t>(tensor.sizes().begin(), tensor.sizes().end())},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw Error("write_safetensors", "a name or the metadata is not valid UTF-8");
  }
  while ((length_bytes + text.size()) % 8 != 0) text += ' ';
  const std::uint64_t length = text.size();

  AtomicFile file(path.string());
  file.write(&length, length_bytes);
  file.write(text.data(), text.size());
  for (const Tensor& t : data)
    file.write(t.raw_data(), static_cast<std::size_t>(t.numel()) * item_size(t.dtype()));
  file.commit();
}

SafetensorsFile read_safetensors(const FilePath& file_path, const ReadOptions& options) {
  const std::filesystem::path path = file_path.string();
  InputFile file(path);
  const std::uint64_t size = file.size();
  if (size < length_bytes) fail(path, fmt::format("{} bytes are too few", size));
  std::uint64_t length = 0;
  file.read(&length, length_bytes);
  if (length > max_header || length > size - length_bytes) {
    fail(path, fmt::format("the header claims {} bytes in a file of {}", length, size));
  }
  std::string text(length, '\0');
  file.read(text.data(), text.size());
  const json header = parse_header(path, text);
  if (!header.is_object()) fail(path, "the header is not a JSON object");

  SafetensorsFile out;
  std::vector<Entry> entries;
  const std::uint64_t data_bytes = size - length_bytes - length;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(path, name, entry, data_bytes));
      continue;
    }
    if (!entry.is_object()) fail(path, "__metadata__ is not an object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) fail(path, fmt::format("metadata \"{}\" is not text", key));
      out.metadata[key] = value;
    }
  }
  // Tensors fill the data exactly: no gaps, no overlaps.
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t position = 0;
  for (const Entry& e : entries) {
    if (e.begin != position)
      fail(path, fmt::format("tensor \"{}\" leaves a gap or overlaps another", e.name));
    position = e.end;
  }
  if (position != data_bytes)
    fail(path, fmt::format("{} bytes behind the last tensor", data_bytes - position));

  const std::shared_ptr<std::byte> mapped = options.map ? file.map() : nullptr;
  for (const Entry& e : entries) {
    std::byte* inside = mapped ? mapped.get() + length_bytes + length + e.begin : nullptr;
    Tensor t;
    if (inside == nullptr) {
      t = empty(e.sizes, e.dtype);
      file.read(t.raw_data(), e.end - e.begin);
    } else if (reinterpret_cast<std::uintptr_t>(inside) % item_size(e.dtype) == 0) {
      t = from_blob(inside, e.sizes, e.dtype, mapped);
    } else {
      t = empty(e.sizes, e.dtype);
      std::memcpy(t.raw_data(), inside, e.end - e.begin);
    }
    if (e.dtype == boolean) make_valid(t);
    out.tensors.insert(e.name, std::move(t));
  }
  return out;
}

}  // namespace mica::io
