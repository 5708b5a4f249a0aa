#include <algorithm>
#include <array>
#include <mutex>
#include <ostream>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/nn/find_tensors.h>
#include <mica/nn/preserve.h>
#include <mica/nn/summary.h>
#include <mica/tensor/impl.h>

namespace mica::nn {

namespace {

std::int64_t bytes_of(const Tensor& x) { return x.numel() * static_cast<std::int64_t>(item_size(x.dtype())); }

// Fills in all that needs no forward.
struct RowVisitor final : Visitor {
  Summary summary;
  std::vector<ModuleRef> modules;     // of the rows
  std::vector<std::size_t> position;  // of the modules around, in the rows
  std::unordered_set<const TensorImpl*> seen;

  void add(std::string path, const ModuleRef& module) {
    Summary::Row row;
    row.path = std::move(path);
    row.type = module.type();
    position.push_back(summary.rows.size());
    summary.rows.push_back(std::move(row));
    modules.push_back(module);
  }
  void enter(std::string_view name, const ModuleRef& module) override { add(path(name), module); }
  void leave(const ModuleRef&) override { position.pop_back(); }
  void parameter(std::string_view, Parameter& p) override {
    Summary::Row& row = summary.rows[position.back()];
    const std::int64_t trainable = p.requires_grad() ? p.numel() : 0;
    row.parameters += p.numel();
    row.trainable += trainable;
    if (!seen.insert(p.impl().get()).second) return;
    summary.parameters += p.numel();
    summary.trainable += trainable;
    summary.parameter_bytes += bytes_of(p);
  }
  void buffer(std::string_view, Buffer& b) override {
    if (seen.insert(b.impl().get()).second) summary.buffer_bytes += bytes_of(b);
  }
};

// 1234567 as "1,234,567".
std::string grouped(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ",");
  return digits;
}

// Three digits and a power of a thousand: "3.21 M".
std::string rounded(std::int64_t value, std::string_view unit) {
  if (value < 1000) return fmt::format("{}{}{}", value, unit.empty() ? "" : " ", unit);
  constexpr std::string_view prefixes = "kMGTPE";
  double x = static_cast<double>(value) / 1000;
  std::size_t i = 0;
  for (; x >= 999.5 && i + 1 < prefixes.size(); ++i) x /= 1000;
  return fmt::format("{:.{}f} {}{}", x, x < 9.995 ? 2 : x < 99.95 ? 1 : 0, prefixes[i], unit);
}

std::string shapes(const std::vector<Shape>& list) {
  std::string out;
  for (const Shape& shape : list) out += (out.empty() ? "" : ", ") + to_string(shape);
  return out;
}

using Cells = std::array<std::string, 7>;

Cells cells_of(const Summary::Row& row) {
  const auto figure = [](std::int64_t value) { return value == 0 ? std::string("-") : grouped(value); };
  return {row.path,
          row.calls > 1 ? fmt::format("{} (called {} times)", row.type, row.calls) : row.type,
          row.calls == 0 ? "-" : shapes(row.output),
          figure(row.parameters),
          figure(row.trainable),
          row.flops ? rounded(*row.flops, "") : "-",
          row.memory == 0 ? "-" : rounded(row.memory, "B")};
}

}  // namespace

struct detail::SummaryRun::State {
  explicit State(const ModuleRef& model) : preserve(model) {}

  void called(std::size_t row_index, const ModuleRef& module, const Arguments& args, const Value& result) {
    const std::lock_guard lock(mutex);  // a forward may call its modules on several threads
    Summary::Row& row = summary.rows[row_index];
    ++row.calls;
    for (std::size_t i = 0; i < args.size(); ++i) {
      for (const Tensor& x : find_tensors(args[i])) keep(x);
    }
    row.output.clear();
    for (const Tensor& x : find_tensors(result)) {
      row.output.push_back(x.sizes());
      row.memory += keep(x);
    }
    if (module.has_flops()) row.flops = row.flops.value_or(0) + module.flops(args, result);
  }

  // The bytes of its memory if that was not met before. What is kept cannot be taken for something newer.
  std::int64_t keep(const Tensor& x) {
    const Storage* storage = x.impl()->storage.get();
    if (!blocks.insert(storage).second) return 0;
    kept.push_back(x);
    return static_cast<std::int64_t>(storage->bytes);
  }

  Preserve preserve;
  Summary summary;
  std::mutex mutex;
  std::unordered_set<const Storage*> blocks;
  std::vector<Tensor> kept;
  std::vector<HookHandle> hooks;  // last, so that they are gone before the rest
};

detail::SummaryRun::SummaryRun(const ModuleRef& model) : state_(new State(model)) {
  RowVisitor v;
  v.add("", model);
  model.walk(v);
  State* state = state_.get();
  state->summary = std::move(v.summary);
  for (const Tensor& x : model.parameters()) state->keep(x);
  for (const Tensor& x : model.buffers()) state->keep(x);
  for (std::size_t i = 0; i < v.modules.size(); ++i) {
    if (v.modules[i].base() == nullptr) continue;  // a container is not called
    state->hooks.push_back(register_forward_hook(
        v.modules[i], [state, i](const ModuleRef& module, Arguments& args, Value& result) {
          state->called(i, module, args, result);
        }));
  }
  model.train(false);
}

detail::SummaryRun::~SummaryRun() = default;

Summary detail::SummaryRun::finish(bool called) {
  state_->summary.called = called;
  for (const Summary::Row& row : state_->summary.rows) {
    state_->summary.flops += row.flops.value_or(0);
    state_->summary.memory += row.memory;
  }
  return std::move(state_->summary);
}

std::string Summary::to_string() const {
  std::vector<Cells> table{{"path", "type", "output", "parameters", "trainable", "FLOPs", "memory"}};
  for (const Row& row : rows) table.push_back(cells_of(row));
  std::array<std::size_t, std::tuple_size_v<Cells>> widths{};
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string out;
  for (std::size_t line = 0; line < table.size(); ++line) {
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool is_figure = i >= 3;
      text += is_figure ? fmt::format("{:>{}}", table[line][i], widths[i])
                        : fmt::format("{:<{}}", table[line][i], widths[i]);
      if (i + 1 < widths.size()) text += "  ";
    }
    out += text + "\n";
    if (line == 0) out += std::string(text.size(), '-') + "\n";
  }
  out += fmt::format("\n{} parameters ({}), {} of them trainable; buffers {}\n", grouped(parameters),
                     rounded(parameter_bytes, "B"), grouped(trainable), rounded(buffer_bytes, "B"));
  if (called) out += fmt::format("one call: {}, results {}\n", rounded(flops, "FLOPs"), rounded(memory, "B"));
  return out;
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) { return out << summary.to_string(); }

}  // namespace mica::nn
