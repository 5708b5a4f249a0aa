#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/nn/plain_value.h>
#include <mica/tensor/state_dict.h>

namespace mica::nn {

namespace {

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

void show(const Plain& p, std::string& out) {
  constexpr std::size_t most = 80;
  if (out.size() > most) return;
  if (const auto* b = std::get_if<bool>(&p.value().value)) {
    out += *b ? "true" : "false";
  } else if (const auto* i = std::get_if<std::int64_t>(&p.value().value)) {
    out += fmt::format("{}", *i);
  } else if (const auto* u = std::get_if<std::uint64_t>(&p.value().value)) {
    out += fmt::format("{}", *u);
  } else if (const auto* d = std::get_if<double>(&p.value().value)) {
    out += fmt::format("{}", *d);
  } else if (const auto* s = std::get_if<std::string>(&p.value().value)) {
    out += quoted(std::string_view(*s).substr(0, most));
  } else if (const auto* list = std::get_if<PlainValue::List>(&p.value().value)) {
    out += '[';
    for (std::size_t k = 0; k < list->size(); ++k) {
      if (k > 0) out += ", ";
      show((*list)[k], out);
    }
    out += ']';
  } else if (const auto* record = std::get_if<PlainValue::Record>(&p.value().value)) {
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

Plain::Plain() = default;
Plain::Plain(PlainValue value) {
  if (!std::holds_alternative<std::monostate>(value.value)) value_ = Owned(new PlainValue(std::move(value)));
}
Plain::Plain(const Plain& other) : Plain(other.value()) {}
Plain::Plain(Plain&& other) noexcept = default;
Plain& Plain::operator=(Plain other) noexcept {
  value_ = std::move(other.value_);
  return *this;
}
Plain::~Plain() = default;

const PlainValue& Plain::value() const {
  static const PlainValue nothing;
  return value_ ? *value_ : nothing;
}

bool operator==(const Plain& a, const Plain& b) { return a.value().value == b.value().value; }

std::string to_string(const Plain& value) {
  std::string out;
  show(value, out);
  return out;
}

namespace detail {

Plain plain_bool(bool value) { return Plain(PlainValue{value}); }
Plain plain_signed(std::int64_t value) { return Plain(PlainValue{value}); }
Plain plain_unsigned(std::uint64_t value) {
  if (std::in_range<std::int64_t>(value)) return plain_signed(static_cast<std::int64_t>(value));
  return Plain(PlainValue{value});
}
Plain plain_float(double value) {
  if (std::isfinite(value)) return Plain(PlainValue{value});
  return plain_text(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}
Plain plain_text(const std::string& value) { return Plain(PlainValue{value}); }
Plain plain_dtype(DType dtype) { return plain_text(std::string(name(dtype))); }
Plain empty_list() { return Plain(PlainValue{PlainValue::List()}); }
Plain empty_record() { return Plain(PlainValue{PlainValue::Record()}); }

namespace {

const PlainValue::List& items_of(const Plain& p) {
  static const PlainValue::List none;
  const auto* list = std::get_if<PlainValue::List>(&p.value().value);
  return list != nullptr ? *list : none;
}
const PlainValue::Record& entries_of(const Plain& p) {
  static const PlainValue::Record none;
  const auto* record = std::get_if<PlainValue::Record>(&p.value().value);
  return record != nullptr ? *record : none;
}
const Plain& nothing() {
  static const Plain nothing;
  return nothing;
}

}  // namespace

void append(Plain& list, Plain item) {
  std::get<PlainValue::List>(list.value_->value).push_back(std::move(item));
}

Plain plain_shape(const Shape& shape) {
  Plain out = empty_list();
  for (const std::int64_t size : shape) append(out, plain_signed(size));
  return out;
}

void add_entry(Plain& record, std::string_view name, Plain item) {
  if (record.is_nothing()) record = empty_record();
  auto& entries = std::get<PlainValue::Record>(record.value_->value);
  const auto place = std::ranges::upper_bound(
      entries, name, {}, [](const auto& entry) -> std::string_view { return entry.first; });
  entries.emplace(place, std::string(name), std::move(item));
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

std::size_t Misfit::enter_item(std::size_t i) { return enter(fmt::format("[{}]", i)); }
std::size_t Misfit::enter_field(std::string_view name) { return enter(fmt::format(".{}", name)); }
std::size_t Misfit::enter_key(const std::string& key) { return enter(fmt::format("[\"{}\"]", key)); }
void Misfit::leave(std::size_t before) { where_.resize(before); }

bool read_bool(const Plain& p, Misfit& misfit) {
  if (const auto* b = std::get_if<bool>(&p.value().value)) return *b;
  misfit.expected(p, "true or false");
  return false;
}

std::int64_t read_signed(const Plain& p, std::int64_t min, std::int64_t max, Misfit& misfit) {
  if (const auto* i = std::get_if<std::int64_t>(&p.value().value); i != nullptr && *i >= min && *i <= max)
    return *i;
  misfit.expected(p, fmt::format("a whole number from {} to {}", min, max));
  return 0;
}

std::uint64_t read_unsigned(const Plain& p, std::uint64_t max, Misfit& misfit) {
  if (const auto* u = std::get_if<std::uint64_t>(&p.value().value); u != nullptr && *u <= max) return *u;
  if (const auto* i = std::get_if<std::int64_t>(&p.value().value);
      i != nullptr && *i >= 0 && static_cast<std::uint64_t>(*i) <= max)
    return static_cast<std::uint64_t>(*i);
  misfit.expected(p, fmt::format("a whole number from 0 to {}", max));
  return 0;
}

double read_float(const Plain& p, Misfit& misfit) {
  if (const auto* d = std::get_if<double>(&p.value().value)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(&p.value().value)) return static_cast<double>(*i);
  if (const auto* s = std::get_if<std::string>(&p.value().value)) {
    if (*s == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (*s == "inf") return std::numeric_limits<double>::infinity();
    if (*s == "-inf") return -std::numeric_limits<double>::infinity();
  }
  misfit.expected(p, "a number");
  return 0;
}

std::string read_text(const Plain& p, Misfit& misfit) {
  if (const auto* s = std::get_if<std::string>(&p.value().value)) return *s;
  misfit.expected(p, "text");
  return {};
}

DType read_dtype(const Plain& p, Misfit& misfit) {
  if (const auto* s = std::get_if<std::string>(&p.value().value)) {
    for (const DType dtype : dtypes) {
      if (name(dtype) == *s) return dtype;
    }
  }
  misfit.expected(p, "the name of a dtype");
  return f32;
}

Shape read_shape(const Plain& p, Misfit& misfit) {
  Shape out;
  const std::size_t count = read_list(p, -1, misfit);
  if (count > max_dims) {
    misfit.expected(p, "a list of at most 8 numbers");
    return out;
  }
  for (std::size_t i = 0; i < count; ++i) out.push_back(item_from_plain<std::int64_t>(p, i, misfit));
  return out;
}

std::size_t read_list(const Plain& p, std::int64_t size, Misfit& misfit) {
  const auto* list = std::get_if<PlainValue::List>(&p.value().value);
  if (list != nullptr && (size < 0 || list->size() == static_cast<std::size_t>(size))) return list->size();
  misfit.expected(p, size < 0 ? "a list" : fmt::format("a list of {}", size));
  return 0;
}

const Plain& list_item(const Plain& list, std::size_t i) {
  const PlainValue::List& items = items_of(list);
  return i < items.size() ? items[i] : nothing();
}

std::size_t read_record(const Plain& p, Misfit& misfit) {
  if (std::holds_alternative<PlainValue::Record>(p.value().value)) return entries_of(p).size();
  misfit.expected(p, "a record");
  return 0;
}

const std::string& entry_name(const Plain& record, std::size_t i) { return entries_of(record)[i].first; }
const Plain& entry_item(const Plain& record, std::size_t i) { return entries_of(record)[i].second; }

const Plain& read_entry(const Plain& record, std::string_view name, Misfit& misfit) {
  const PlainValue::Record& entries = entries_of(record);
  const auto it = std::ranges::find_if(entries, [&](const auto& entry) { return entry.first == name; });
  if (it != entries.end()) return it->second;
  misfit.report("is missing in the file");
  return nothing();
}

void expect_names(const Plain& record, const std::string_view* expected, std::size_t count, Misfit& misfit) {
  const std::vector<std::string_view> names(expected, expected + count);
  for (const auto& [name, value] : entries_of(record)) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string closest = closest_name(name, names);
    const std::size_t before = misfit.enter_field(name);
    misfit.report(fmt::format("= {} is not in the program{}", to_string(value),
                              closest.empty() ? "" : fmt::format(" (is it \"{}\" now?)", closest)));
    misfit.leave(before);
  }
}

}  // namespace detail
}  // namespace mica::nn
