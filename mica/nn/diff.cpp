#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <ostream>
#include <unordered_map>

#include <fmt/format.h>

#include <mica/nn/diff.h>
#include <mica/nn/same_bits.h>
#include <mica/nn/walk.h>
#include <mica/tensor/impl.h>

namespace mica::nn {

namespace {

using Kind = Difference::Kind;

// Everything in a model that can be compared, by its path, in order of declaration.
struct Contents final : Visitor {
  struct Entry {
    enum class Kind : std::uint8_t { module, parameter, buffer, mode } kind;
    std::string path;
    std::string type, hyper_parameters;  // of modules
    Tensor tensor;                       // of parameters and buffers
    std::string tied_to;                 // the first path of the same parameter; its own, if that is first
    bool training = false;               // of modes
  };
  std::vector<Entry> entries;
  std::map<std::string, std::size_t, std::less<>> positions;
  std::unordered_map<const TensorImpl*, std::string> first_paths;

  explicit Contents(const ModuleRef& model) {
    add({.kind = Entry::Kind::module,
         .path = "",
         .type = std::string(model.type()),
         .hyper_parameters = model.describe()});
    model.walk(*this);
  }
  void add(Entry entry) {
    positions.emplace(entry.path, entries.size());
    entries.push_back(std::move(entry));
  }
  void enter(std::string_view name, const ModuleRef& module) override {
    add({.kind = Entry::Kind::module,
         .path = path(name),
         .type = std::string(module.type()),
         .hyper_parameters = module.describe()});
  }
  void parameter(std::string_view name, Parameter& p) override {
    std::string own = path(name);
    const std::string& first = first_paths.try_emplace(p.impl().get(), own).first->second;
    add({.kind = Entry::Kind::parameter, .path = std::move(own), .tensor = p, .tied_to = first});
  }
  void buffer(std::string_view name, Buffer& b) override {
    add({.kind = Entry::Kind::buffer, .path = path(name), .tensor = b});
  }
  void mode(std::string_view name, Mode& m) override {
    add({.kind = Entry::Kind::mode, .path = path(name), .training = m.training});
  }

  const Entry* find(std::string_view wanted) const {
    const auto it = positions.find(wanted);
    return it == positions.end() ? nullptr : &entries[it->second];
  }
};
using Entry = Contents::Entry;

std::string described(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::module: return entry.type;
    case Entry::Kind::mode: return entry.training ? "train" : "eval";
    case Entry::Kind::parameter:
    case Entry::Kind::buffer:
      return fmt::format("{} {} {}", entry.kind == Entry::Kind::buffer ? "buffer" : "parameter",
                         name(entry.tensor.dtype()), to_string(entry.tensor.sizes()));
  }
  return {};
}

// Of two tensors of one shape.
void compare_values(const std::string& path, const Tensor& a, const Tensor& b, std::vector<Difference>& out) {
  if (detail::same_bits(a, b)) return;
  const std::vector<double> left = a.to_vector<double>(), right = b.to_vector<double>();
  std::size_t count = 0;
  double max_abs = 0, largest = 0;
  bool nan_in_one = false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double x = left[i], y = right[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) {
      if (!std::isnan(x)) largest = std::max(largest, std::abs(x));
      continue;
    }
    ++count;
    if (std::isnan(x) || std::isnan(y)) {
      nan_in_one = true;
      continue;
    }
    max_abs = std::max(max_abs, std::abs(x - y));
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  if (count == 0) {
    // Integers beyond 2^53 may differ and be one as doubles.
    if (a.dtype() != b.dtype() || a.is_floating_point()) return;
    count = 1;
  }
  Difference difference{.kind = Kind::values, .path = path, .a = {}, .b = {}};
  difference.max_abs = nan_in_one ? std::nan("") : max_abs;
  // An infinity on one side has no meaningful quotient: it differs by all that there is.
  difference.relative = nan_in_one ? std::nan("") : std::isinf(max_abs) ? 1 : max_abs / largest;
  difference.a = difference.b = fmt::format("{} of {} elements differ", count, left.size());
  out.push_back(std::move(difference));
}

void compare_tensors(const Entry& a, const Entry& b, std::vector<Difference>& out) {
  const auto add = [&](Kind kind, std::string of_a, std::string of_b) {
    if (of_a != of_b) out.push_back({kind, a.path, std::move(of_a), std::move(of_b)});
  };
  const auto tie = [](const Entry& e) {
    return e.tied_to.empty() || e.tied_to == e.path ? std::string("not tied") : "tied to " + e.tied_to;
  };
  const auto grad = [](const Entry& e) { return e.tensor.requires_grad() ? "requires grad" : "frozen"; };
  add(Kind::tie, tie(a), tie(b));
  add(Kind::shape, to_string(a.tensor.sizes()), to_string(b.tensor.sizes()));
  add(Kind::dtype, std::string(name(a.tensor.dtype())), std::string(name(b.tensor.dtype())));
  if (a.kind == Entry::Kind::parameter) add(Kind::requires_grad, grad(a), grad(b));
  if (a.tensor.sizes() == b.tensor.sizes()) compare_values(a.path, a.tensor.detach(), b.tensor.detach(), out);
}

void compare(const Entry& a, const Entry& b, std::vector<Difference>& out) {
  const auto add = [&](Kind kind, const std::string& of_a, const std::string& of_b) {
    if (of_a != of_b) out.push_back({kind, a.path, of_a, of_b});
  };
  if (a.kind != b.kind) {
    add(Kind::type, described(a), described(b));
    return;
  }
  switch (a.kind) {
    case Entry::Kind::module:
      add(Kind::type, a.type, b.type);
      if (a.type == b.type) add(Kind::hyper_parameters, a.hyper_parameters, b.hyper_parameters);
      break;
    case Entry::Kind::mode: add(Kind::mode, described(a), described(b)); break;
    case Entry::Kind::parameter:
    case Entry::Kind::buffer: compare_tensors(a, b, out); break;
  }
}

// The entries of `here` that `there` lacks, but not what is inside of a module that is lacking itself.
void add_lacking(const Contents& here, const Contents& there, Kind kind, std::vector<Difference>& out) {
  std::string missing_module;  // with a dot behind
  for (const Entry& entry : here.entries) {
    if (!missing_module.empty() && entry.path.starts_with(missing_module)) continue;
    if (there.find(entry.path) != nullptr) continue;
    if (entry.kind == Entry::Kind::module) missing_module = entry.path + ".";
    Difference difference{.kind = kind, .path = entry.path, .a = {}, .b = {}};
    (kind == Kind::only_in_a ? difference.a : difference.b) = described(entry);
    out.push_back(std::move(difference));
  }
}

}  // namespace

Differences diff(const ModuleRef& a, const ModuleRef& b) {
  const Contents left(a), right(b);
  Differences out;
  for (const Entry& entry : left.entries) {
    if (const Entry* other = right.find(entry.path)) compare(entry, *other, out.list);
  }
  add_lacking(left, right, Kind::only_in_a, out.list);
  add_lacking(right, left, Kind::only_in_b, out.list);
  return out;
}

std::string_view to_string(Difference::Kind kind) {
  constexpr std::array<std::string_view, 10> names{"only in a",     "only in b", "type",  "hyper-parameters",
                                                   "mode",          "tie",       "shape", "dtype",
                                                   "requires_grad", "values"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string Differences::to_string() const {
  std::string out;
  for (const Difference& d : list) {
    std::string what = fmt::format("{} in a, {} in b", d.a, d.b);
    if (d.kind == Kind::only_in_a) what = d.a;
    if (d.kind == Kind::only_in_b) what = d.b;
    if (d.kind == Kind::values)
      what = fmt::format("{}, by up to {:.3g}, relative {:.3g}", d.a, d.max_abs, d.relative);
    out += fmt::format("{}: {}: {}\n", d.path.empty() ? "the model" : d.path, nn::to_string(d.kind), what);
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Differences& differences) {
  return out << differences.to_string();
}

}  // namespace mica::nn
