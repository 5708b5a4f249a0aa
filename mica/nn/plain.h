// Plain data: the hyper-parameters of a module, as a tree that files can hold.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <mica/core/dtype.h>
#include <mica/core/shape.h>
#include <mica/reflect/fields.h>

namespace mica::nn {

// Nothing, a truth value, a number, text, a list, or a record in the order of its names. Whole numbers are
// std::int64_t if they fit, floats that are not finite are the texts "nan", "inf" and "-inf".
struct Plain {
  using List = std::vector<Plain>;
  using Record = std::vector<std::pair<std::string, Plain>>;
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Record> value;

  friend bool operator==(const Plain& a, const Plain& b);
};

// As JSON, cut off if it is long.
std::string to_string(const Plain& value);

namespace detail {

template <class T>
concept PlainMap = requires(T& t) {
  typename T::mapped_type;
  requires std::same_as<typename T::key_type, std::string>;
  t.emplace(std::string(), std::declval<typename T::mapped_type>());
};
template <class T>
concept PlainList = requires(T& t) {
  t.push_back(std::declval<typename T::value_type>());
  t.begin() == t.end();
} && !std::same_as<T, std::string>;
template <class T>
concept PlainTuple = requires { std::tuple_size<T>::value; };  // std::array too
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

// A function of the types in a std::tuple-like T, or of the fields of a plain struct.
template <class T> consteval bool is_plain();
template <class T> consteval bool is_plain_tuple() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (is_plain<std::remove_cv_t<std::tuple_element_t<I, T>>>() && ...);
  }(std::make_index_sequence<std::tuple_size_v<T>>{});
}
template <class T> consteval bool is_plain_record() {
  if constexpr (reflect::PlainStruct<T>) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (is_plain<std::remove_cv_t<reflect::field_type<T, I>>>() && ...);
    }(std::make_index_sequence<reflect::field_count<T>>{});
  } else {
    return false;
  }
}

// Numbers, truth values, enumerations, text and Shape; std::optional, lists, arrays, tuples and maps from
// text of such; plain structs of such, which are no modules.
template <class T> consteval bool is_plain() {
  if constexpr (std::is_arithmetic_v<T>) {
    return sizeof(T) <= 8;  // no long double
  } else if constexpr (std::is_enum_v<T> || std::same_as<T, std::string> || std::same_as<T, Shape>) {
    return true;
  } else if constexpr (is_optional<T> || PlainList<T>) {
    return is_plain<typename T::value_type>();
  } else if constexpr (PlainMap<T>) {
    return is_plain<typename T::mapped_type>();
  } else if constexpr (PlainTuple<T>) {
    return is_plain_tuple<T>();
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> &&
                       !requires { typename T::reflect_base; }) {
    return is_plain_record<T>();
  } else {
    return false;
  }
}

Plain plain_float(double value);
Plain plain_dtype(DType dtype);
void sort_by_name(Plain::Record& record);

template <class T> Plain to_plain(const T& x) {
  if constexpr (std::same_as<T, bool>) {
    return {x};
  } else if constexpr (std::integral<T>) {
    if (std::in_range<std::int64_t>(x)) return {static_cast<std::int64_t>(x)};
    return {static_cast<std::uint64_t>(x)};
  } else if constexpr (std::floating_point<T>) {
    return plain_float(x);
  } else if constexpr (std::same_as<T, DType>) {
    return plain_dtype(x);
  } else if constexpr (std::is_enum_v<T>) {
    return to_plain(static_cast<std::underlying_type_t<T>>(x));
  } else if constexpr (std::same_as<T, std::string>) {
    return {x};
  } else if constexpr (is_optional<T>) {
    return x.has_value() ? to_plain(*x) : Plain();
  } else if constexpr (PlainMap<T>) {
    Plain::Record out;
    for (const auto& [key, item] : x) out.emplace_back(key, to_plain(item));
    sort_by_name(out);
    return {std::move(out)};
  } else if constexpr (std::same_as<T, Shape>) {
    return to_plain(std::vector<std::int64_t>(x.begin(), x.end()));
  } else if constexpr (PlainList<T>) {
    Plain::List out;
    for (const auto& item : x) out.push_back(to_plain<typename T::value_type>(item));
    return {std::move(out)};
  } else if constexpr (PlainTuple<T>) {
    return std::apply([](const auto&... items) { return Plain{Plain::List{to_plain(items)...}}; }, x);
  } else {
    Plain::Record out;
    reflect::for_each_field(
        x, [&](std::string_view name, const auto& field) { out.emplace_back(name, to_plain(field)); });
    sort_by_name(out);
    return {std::move(out)};
  }
}

// Where reading a tree went wrong first: `dims[2] is "a", not a whole number from 0 to 255`.
class Misfit {
 public:
  bool found() const { return !text_.empty(); }
  const std::string& text() const { return text_; }
  // What stands at the present place does not fit; only the first such call counts.
  void report(const std::string& what);
  void expected(const Plain& value, std::string_view what);
  // What is read until leave() is inside, at ".name" or "[3]".
  std::size_t enter(std::string_view place);
  void leave(std::size_t before) { where_.resize(before); }

 private:
  std::string where_, text_;
};

bool read_bool(const Plain& p, Misfit& misfit);
std::int64_t read_signed(const Plain& p, std::int64_t min, std::int64_t max, Misfit& misfit);
std::uint64_t read_unsigned(const Plain& p, std::uint64_t max, Misfit& misfit);
double read_float(const Plain& p, Misfit& misfit);
std::string read_text(const Plain& p, Misfit& misfit);
DType read_dtype(const Plain& p, Misfit& misfit);
// The items of a list; none, and reported, if it is no list or has another length than wanted (-1: any).
const Plain::List& read_list(const Plain& p, std::int64_t size, Misfit& misfit);
const Plain::Record& read_record(const Plain& p, Misfit& misfit);
// An entry of a record; an empty one if there is none.
const Plain& read_entry(const Plain::Record& record, std::string_view name, Misfit& misfit);
// Reports names of a record that no field has.
void expect_names(const Plain::Record& record, const std::vector<std::string_view>& names, Misfit& misfit);

template <class T> T from_plain(const Plain& p, Misfit& misfit);
template <class T> T item_from_plain(const Plain::List& list, std::size_t i, Misfit& misfit) {
  static const Plain none;
  const std::size_t before = misfit.enter("[" + std::to_string(i) + "]");
  T out = from_plain<T>(i < list.size() ? list[i] : none, misfit);
  misfit.leave(before);
  return out;
}
template <class T> T field_from_plain(const Plain::Record& record, std::string_view name, Misfit& misfit) {
  const std::size_t before = misfit.enter("." + std::string(name));
  T out = from_plain<T>(read_entry(record, name, misfit), misfit);
  misfit.leave(before);
  return out;
}

// Some T in any case; what does not fit is reported, and the T is then not to be used.
template <class T> T from_plain(const Plain& p, Misfit& misfit) {
  if constexpr (std::same_as<T, bool>) {
    return read_bool(p, misfit);
  } else if constexpr (std::signed_integral<T>) {
    return static_cast<T>(
        read_signed(p, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), misfit));
  } else if constexpr (std::integral<T>) {
    return static_cast<T>(read_unsigned(p, std::numeric_limits<T>::max(), misfit));
  } else if constexpr (std::floating_point<T>) {
    return static_cast<T>(read_float(p, misfit));
  } else if constexpr (std::same_as<T, DType>) {
    return read_dtype(p, misfit);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(from_plain<std::underlying_type_t<T>>(p, misfit));
  } else if constexpr (std::same_as<T, std::string>) {
    return read_text(p, misfit);
  } else if constexpr (is_optional<T>) {
    if (std::holds_alternative<std::monostate>(p.value)) return std::nullopt;
    return from_plain<typename T::value_type>(p, misfit);
  } else if constexpr (PlainMap<T>) {
    T out;
    for (const auto& [key, item] : read_record(p, misfit)) {
      const std::size_t before = misfit.enter("[\"" + key + "\"]");
      out.emplace(key, from_plain<typename T::mapped_type>(item, misfit));
      misfit.leave(before);
    }
    return out;
  } else if constexpr (std::same_as<T, Shape>) {
    const auto sizes = from_plain<std::vector<std::int64_t>>(p, misfit);
    if (sizes.size() <= max_dims) return Shape(sizes);
    misfit.expected(p, "a list of at most 8 numbers");
    return {};
  } else if constexpr (PlainList<T>) {
    T out;
    const Plain::List& list = read_list(p, -1, misfit);
    if constexpr (requires { out.reserve(list.size()); }) out.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      out.push_back(item_from_plain<typename T::value_type>(list, i, misfit));
    return out;
  } else if constexpr (PlainTuple<T>) {
    const Plain::List& list = read_list(p, std::tuple_size_v<T>, misfit);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return T{item_from_plain<std::tuple_element_t<I, T>>(list, I, misfit)...};
    }(std::make_index_sequence<std::tuple_size_v<T>>{});
  } else {
    const Plain::Record& record = read_record(p, misfit);
    expect_names(record, {reflect::field_names<T>().begin(), reflect::field_names<T>().end()}, misfit);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return reflect::make_aggregate<T>(field_from_plain<std::remove_cv_t<reflect::field_type<T, I>>>(
          record, reflect::field_name<T, I>, misfit)...);
    }(std::make_index_sequence<reflect::field_count<T>>{});
  }
}

struct FieldOperations {
  Plain (*get)(const void* field);
  // Null for the field: whether the value would fit.
  void (*set)(void* field, const Plain& value, Misfit& misfit);
};
template <class T>
inline constexpr FieldOperations field_operations = {
    [](const void* field) { return to_plain(*static_cast<const T*>(field)); },
    [](void* field, const Plain& value, Misfit& misfit) {
      T read = from_plain<T>(value, misfit);
      if constexpr (std::is_move_assignable_v<T>) {
        if (!misfit.found() && field != nullptr) *static_cast<T*>(field) = std::move(read);
      }
    }};

}  // namespace detail

// A plain member of a module, seen without its type.
class FieldRef {
 public:
  template <class T>
    requires(detail::is_plain<std::remove_const_t<T>>())
  explicit FieldRef(T& field)
      : address_(const_cast<std::remove_const_t<T>*>(&field)),
        is_const_(std::is_const_v<T>),
        operations_(&detail::field_operations<std::remove_const_t<T>>) {}
  Plain get() const { return operations_->get(address_); }
  // What does not fit is reported, and changes nothing. A const field stays what it is.
  void set(const Plain& value, detail::Misfit& misfit) const {
    operations_->set(is_const_ ? nullptr : address_, value, misfit);
  }
  // Whether set() would report something.
  void check(const Plain& value, detail::Misfit& misfit) const { operations_->set(nullptr, value, misfit); }

 private:
  void* address_;
  bool is_const_;
  const detail::FieldOperations* operations_;
};

}  // namespace mica::nn
