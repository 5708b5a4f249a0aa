// Plain data: the hyper-parameters of a module, as a tree that files can hold.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <mica/core/dtype.h>
#include <mica/core/owned.h>
#include <mica/core/shape.h>
#include <mica/reflect/fields.h>

namespace mica::nn {

struct PlainValue;
class Plain;
namespace detail {
void append(Plain& list, Plain item);
// Nothing becomes a record.
void add_entry(Plain& record, std::string_view name, Plain item);
}  // namespace detail

// Nothing, a truth value, a number, text, a list, or a record in the order of its names. What it is made of
// is in plain_value.h: a program that only has such members needs no more than this.
class Plain {
 public:
  Plain();  // nothing
  explicit Plain(PlainValue value);
  Plain(const Plain& other);
  Plain(Plain&& other) noexcept;
  Plain& operator=(Plain other) noexcept;
  ~Plain();

  bool is_nothing() const { return !value_; }
  const PlainValue& value() const;

  friend bool operator==(const Plain& a, const Plain& b);

 private:
  friend void detail::append(Plain& list, Plain item);
  friend void detail::add_entry(Plain& record, std::string_view name, Plain item);
  Owned<PlainValue> value_;  // null for nothing
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

Plain plain_bool(bool value);
Plain plain_signed(std::int64_t value);
Plain plain_unsigned(std::uint64_t value);
Plain plain_float(double value);
Plain plain_text(const std::string& value);
Plain plain_dtype(DType dtype);
Plain plain_shape(const Shape& shape);
Plain empty_list();
Plain empty_record();

template <class T> Plain to_plain(const T& x) {
  if constexpr (std::same_as<T, bool>) {
    return plain_bool(x);
  } else if constexpr (std::signed_integral<T>) {
    return plain_signed(x);
  } else if constexpr (std::integral<T>) {
    return plain_unsigned(x);
  } else if constexpr (std::floating_point<T>) {
    return plain_float(x);
  } else if constexpr (std::same_as<T, DType>) {
    return plain_dtype(x);
  } else if constexpr (std::is_enum_v<T>) {
    return to_plain(static_cast<std::underlying_type_t<T>>(x));
  } else if constexpr (std::same_as<T, std::string>) {
    return plain_text(x);
  } else if constexpr (is_optional<T>) {
    return x.has_value() ? to_plain(*x) : Plain();
  } else if constexpr (PlainMap<T>) {
    Plain out = empty_record();
    for (const auto& [key, item] : x) add_entry(out, key, to_plain(item));
    return out;
  } else if constexpr (std::same_as<T, Shape>) {
    return plain_shape(x);
  } else if constexpr (PlainList<T>) {
    Plain out = empty_list();
    for (const auto& item : x) append(out, to_plain<typename T::value_type>(item));
    return out;
  } else if constexpr (PlainTuple<T>) {
    Plain out = empty_list();
    std::apply([&](const auto&... items) { (append(out, to_plain(items)), ...); }, x);
    return out;
  } else {
    Plain out = empty_record();
    reflect::for_each_field(
        x, [&](std::string_view name, const auto& field) { add_entry(out, name, to_plain(field)); });
    return out;
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
  std::size_t enter_item(std::size_t i);
  std::size_t enter_field(std::string_view name);
  std::size_t enter_key(const std::string& key);  // ["key"]
  void leave(std::size_t before);

 private:
  std::string where_, text_;
};

bool read_bool(const Plain& p, Misfit& misfit);
std::int64_t read_signed(const Plain& p, std::int64_t min, std::int64_t max, Misfit& misfit);
std::uint64_t read_unsigned(const Plain& p, std::uint64_t max, Misfit& misfit);
double read_float(const Plain& p, Misfit& misfit);
std::string read_text(const Plain& p, Misfit& misfit);
DType read_dtype(const Plain& p, Misfit& misfit);
Shape read_shape(const Plain& p, Misfit& misfit);
// The number of items of a list; 0, and reported, if it is no list or has another length than wanted (-1:
// any).
std::size_t read_list(const Plain& p, std::int64_t size, Misfit& misfit);
// Nothing if there is no such item.
const Plain& list_item(const Plain& list, std::size_t i);
// The number of entries of a record; 0, and reported, if it is none.
std::size_t read_record(const Plain& p, Misfit& misfit);
const std::string& entry_name(const Plain& record, std::size_t i);
const Plain& entry_item(const Plain& record, std::size_t i);
// An entry of a record; nothing, and reported, if there is none.
const Plain& read_entry(const Plain& record, std::string_view name, Misfit& misfit);
// Reports names of a record that no field has.
void expect_names(const Plain& record, const std::string_view* names, std::size_t count, Misfit& misfit);

template <class T> T from_plain(const Plain& p, Misfit& misfit);
template <class T> T item_from_plain(const Plain& list, std::size_t i, Misfit& misfit) {
  const std::size_t before = misfit.enter_item(i);
  T out = from_plain<T>(list_item(list, i), misfit);
  misfit.leave(before);
  return out;
}
template <class T> T field_from_plain(const Plain& record, std::string_view name, Misfit& misfit) {
  const std::size_t before = misfit.enter_field(name);
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
    if (p.is_nothing()) return std::nullopt;
    return from_plain<typename T::value_type>(p, misfit);
  } else if constexpr (PlainMap<T>) {
    T out;
    const std::size_t count = read_record(p, misfit);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t before = misfit.enter_key(entry_name(p, i));
      out.emplace(entry_name(p, i), from_plain<typename T::mapped_type>(entry_item(p, i), misfit));
      misfit.leave(before);
    }
    return out;
  } else if constexpr (std::same_as<T, Shape>) {
    return read_shape(p, misfit);
  } else if constexpr (PlainList<T>) {
    T out;
    const std::size_t count = read_list(p, -1, misfit);
    if constexpr (requires { out.reserve(count); }) out.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      out.push_back(item_from_plain<typename T::value_type>(p, i, misfit));
    return out;
  } else if constexpr (PlainTuple<T>) {
    static_cast<void>(read_list(p, std::tuple_size_v<T>, misfit));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return T{item_from_plain<std::tuple_element_t<I, T>>(p, I, misfit)...};
    }(std::make_index_sequence<std::tuple_size_v<T>>{});
  } else {
    static_cast<void>(read_record(p, misfit));
    expect_names(p, reflect::field_names<T>().data(), reflect::field_count<T>, misfit);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return reflect::make_aggregate<T>(field_from_plain<std::remove_cv_t<reflect::field_type<T, I>>>(
          p, reflect::field_name<T, I>, misfit)...);
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
