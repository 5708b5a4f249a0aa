#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <mica/nn/plain.h>
#include <mica/tensor/state_dict.h>

namespace mica::nn {

namespace {

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

void show(const Plain& p, std::string& out) {
  constexpr std::size_t most = 80;
  if (out.size() > most) return;
  if (const auto* b = std::get_if<bool>(&p.value)) {
    out += *b ? "true" : "false";
  } else if (const auto* i = std::get_if<std::int64_t>(&p.value)) {
    out += fmt::format("{}", *i);
  } else if (const auto* u = std::get_if<std::uint64_t>(&p.value)) {
    out += fmt::format("{}", *u);
  } else if (const auto* d = std::get_if<double>(&p.value)) {
    out += fmt::format("{}", *d);
  } else if (const auto* s = std::get_if<std::string>(&p.value)) {
    out += quoted(std::string_view(*s).substr(0, most));
  } else if (const auto* list = std::get_if<Plain::List>(&p.value)) {
    out += '[';
    for (std::size_t k = 0; k < list->size(); ++k) {
      if (k > 0) out += ", ";
      show((*list)[k], out);
    }
    out += ']';
  } else if (const auto* record = std::get_if<Plain::Record>(&p.value)) {
    out += '{';
    for (std::size_t k = 0; k < record->size(); ++k) {
      out += (k > 0 ? ", " : "") + quoted((*record)[k].first) + ": ";
      show((*record)[k].second, out);
    }
    out += '}';
  } else {
    out += "null";
  }
  if (out.size() > most) out.replace(most, out.npos, "...");
}

constexpr DType dtypes[] = {f32, f64, bf16, f16, i64, i32, u8, boolean};

}  // namespace

bool operator==(const Plain& a, const Plain& b) { return a.value == b.value; }

std::string to_string(const Plain& value) {
  std::string out;
  show(value, out);
  return out;
}

namespace detail {

Plain plain_float(double value) {
  if (std::isfinite(value)) return {value};
  return {std::string(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf")};
}

Plain plain_dtype(DType dtype) { return {std::string(name(dtype))}; }

void sort_by_name(Plain::Record& record) {
  std::ranges::sort(record, {}, [](const auto& entry) -> const std::string& { return entry.first; });
}

void Misfit::report(const std::string& what) {
  if (text_.empty()) text_ = where_ + " " + what;
}

void Misfit::expected(const Plain& value, std::string_view what) {
  report(fmt::format("is {}, not {}", to_string(value), what));
}

std::size_t Misfit::enter(std::string_view place) {
  const std::size_t before = where_.size();
  if (before == 0 && place.starts_with('.')) place.remove_prefix(1);
  where_ += place;
  return before;
}

bool read_bool(const Plain& p, Misfit& misfit) {
  if (const auto* b = std::get_if<bool>(&p.value)) return *b;
  misfit.expected(p, "true or false");
  return false;
}

std::int64_t read_signed(const Plain& p, std::int64_t min, std::int64_t max, Misfit& misfit) {
  if (const auto* i = std::get_if<std::int64_t>(&p.value); i != nullptr && *i >= min && *i <= max) return *i;
  misfit.expected(p, fmt::format("a whole number from {} to {}", min, max));
  return 0;
}

std::uint64_t read_unsigned(const Plain& p, std::uint64_t max, Misfit& misfit) {
  if (const auto* u = std::get_if<std::uint64_t>(&p.value); u != nullptr && *u <= max) return *u;
  if (const auto* i = std::get_if<std::int64_t>(&p.value);
      i != nullptr && *i >= 0 && static_cast<std::uint64_t>(*i) <= max)
    return static_cast<std::uint64_t>(*i);
  misfit.expected(p, fmt::format("a whole number from 0 to {}", max));
  return 0;
}

double read_float(const Plain& p, Misfit& misfit) {
  if (const auto* d = std::get_if<double>(&p.value)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(&p.value)) return static_cast<double>(*i);
  if (const auto* s = std::get_if<std::string>(&p.value)) {
    if (*s == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (*s == "inf") return std::numeric_limits<double>::infinity();
    if (*s == "-inf") return -std::numeric_limits<double>::infinity();
  }
  misfit.expected(p, "a number");
  return 0;
}

std::string read_text(const Plain& p, Misfit& misfit) {
  if (const auto* s = std::get_if<std::string>(&p.value)) return *s;
  misfit.expected(p, "text");
  return {};
}

DType read_dtype(const Plain& p, Misfit& misfit) {
  if (const auto* s = std::get_if<std::string>(&p.value)) {
    for (const DType dtype : dtypes) {
      if (name(dtype) == *s) return dtype;
    }
  }
  misfit.expected(p, "the name of a dtype");
  return f32;
}

const Plain::List& read_list(const Plain& p, std::int64_t size, Misfit& misfit) {
  static const Plain::List none;
  const auto* list = std::get_if<Plain::List>(&p.value);
  if (list != nullptr && (size < 0 || list->size() == static_cast<std::size_t>(size))) return *list;
  misfit.expected(p, size < 0 ? "a list" : fmt::format("a list of {}", size));
  return none;
}

const Plain::Record& read_record(const Plain& p, Misfit& misfit) {
  static const Plain::Record none;
  if (const auto* record = std::get_if<Plain::Record>(&p.value)) return *record;
  misfit.expected(p, "a record");
  return none;
}

const Plain& read_entry(const Plain::Record& record, std::string_view name, Misfit& misfit) {
  static const Plain none;
  const auto it = std::ranges::find_if(record, [&](const auto& entry) { return entry.first == name; });
  if (it != record.end()) return it->second;
  misfit.report("is missing in the file");
  return none;
}

void expect_names(const Plain::Record& record, const std::vector<std::string_view>& names, Misfit& misfit) {
  for (const auto& [name, value] : record) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string closest = closest_name(name, names);
    const std::size_t before = misfit.enter("." + name);
    misfit.report(fmt::format("= {} is not in the program{}", to_string(value),
                              closest.empty() ? "" : fmt::format(" (is it \"{}\" now?)", closest)));
    misfit.leave(before);
  }
}

}  // namespace detail
}  // namespace mica::nn
