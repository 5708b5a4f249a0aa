// The fields of a class, without a macro for plain structs: their number, their names, references to them.
//
//   struct Block : nn::Module { int dim; nn::Linear fc{dim, dim}; };
//   reflect::for_each_field(block, [](std::string_view name, auto& field) { ... });   // "dim", "fc"
//
// Works for aggregates (no constructor, no private members, no virtual functions; at most 64 fields, all in
// one class, below empty bases; local, unnamed-namespace and template types too), and for other classes that
// list their members with NN_MEMBERS. Anything else fails to compile with a sentence that says why. Not
// possible: bit-fields, references, C arrays (std::array is a field like any other).
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <mica/reflect/empty_base.h>
#include <mica/reflect/members.h>

// C++26 reflection where the compiler has it; MICA_NO_STATIC_REFLECTION keeps to C++23.
#if defined(__cpp_impl_reflection) && !defined(MICA_NO_STATIC_REFLECTION)
#define MICA_STATIC_REFLECTION 1
#include <mica/reflect/static_reflection.inc>
#else
#include <mica/reflect/aggregate.h>
#endif

namespace mica::reflect {
namespace detail {

template <class T> consteval bool is_reflectable() {
  if constexpr (HasMemberList<T>) {
    return ListsMembers<T>;
  } else {
    return is_plain_struct<T>();
  }
}

inline constexpr std::array<std::string_view, 0> no_names{};

// Says in a sentence why the fields of T cannot be found.
template <class T> consteval void explain() {
  if constexpr (HasMemberList<T>) {
    static_assert(
        ListsMembers<T>,
        "mica::reflect: this class inherits an NN_MEMBERS list that knows nothing of its own members: "
        "give it an NN_MEMBERS(...) that names them and the inherited ones");
  } else {
    explain_plain_struct<T>();
  }
}

}  // namespace detail

// for_each_field and the others here work on a T.
template <class T>
concept Reflectable = detail::is_reflectable<std::remove_const_t<T>>();

// T is an aggregate whose fields are all its own and none hidden by a list: it can be made from its fields.
template <class T>
concept PlainStruct = Reflectable<T> && !detail::HasMemberList<T>;

// fn(field 0, field 1, ...): the fields as lvalues, const if the object is. Returns what fn returns.
template <class T, class Fn> constexpr decltype(auto) apply_fields(T& object, Fn&& fn) {
  using Class = std::remove_const_t<T>;
  if constexpr (!Reflectable<Class>) {
    detail::explain<Class>();
  } else if constexpr (detail::ListsMembers<Class>) {
    return object.mica_members()(fn);
  } else {
    return detail::apply_aggregate(object, fn);
  }
}

// The names of the fields in their order: a std::array<std::string_view, field_count<T>> with static storage.
template <class T> constexpr const auto& field_names() {
  using Class = std::remove_const_t<T>;
  if constexpr (!Reflectable<Class>) {
    detail::explain<Class>();
    return detail::no_names;
  } else if constexpr (detail::ListsMembers<Class>) {
    return detail::listed_names<Class>;
  } else {
    return detail::aggregate_names<Class>;
  }
}

// The number of fields, bases not counted.
template <class T> inline constexpr std::size_t field_count = field_names<T>().size();

// The name of field number I.
template <class T, std::size_t I> inline constexpr std::string_view field_name = field_names<T>()[I];

namespace detail {

template <class... Fields> struct TypeList {
  template <std::size_t I> using at = std::tuple_element_t<I, std::tuple<Fields...>>;
};

struct CollectTypes {
  template <class... Fields> TypeList<Fields...> operator()(Fields&...) const { return {}; }
};

template <class T> using field_type_list = decltype(apply_fields(std::declval<T&>(), CollectTypes{}));

// A value of type Value can initialise a Field. A prvalue of the same type needs no move.
template <class Value, class Field>
concept InitialiserOf = std::same_as<Value, std::remove_cv_t<Field>> || std::convertible_to<Value, Field>;

// Initialises an empty base of T and nothing else.
template <class T> struct EmptyBaseValue {
  template <class U>
    requires(std::derived_from<T, U> && !std::same_as<T, U>)
  operator U() const {
    return U{};
  }
};

}  // namespace detail

// The type of field number I, const if it is declared const.
template <class T, std::size_t I> using field_type = typename detail::field_type_list<T>::template at<I>;

// fn(name, field) for each field in the order of declaration. The name is a std::string_view with static
// storage, the field an lvalue, const if the object is.
//
// Not constexpr on purpose: compilers then wait with its body until the end of the file, so that a
// constructor may visit the class it belongs to although the NN_MEMBERS list stands further down.
template <class T, class Fn> void for_each_field(T& object, Fn&& fn) {
  if constexpr (!Reflectable<T>) {
    detail::explain<std::remove_const_t<T>>();
  } else {
    apply_fields(object, [&]<class... Fields>(Fields&... fields) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (static_cast<void>(fn(field_name<T, I>, fields)), ...);
      }(std::index_sequence_for<Fields...>{});
    });
  }
}

#ifdef __GNUC__  // fields without a default initialiser are left to value-initialisation on purpose
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
// A T whose first fields are the given values, in order; the other fields get their default initialisers.
// For plain structs. Empty bases are default-constructed.
template <class T, class... Values> T make_aggregate(Values&&... values) {
  static_assert(PlainStruct<T>, "mica::reflect: make_aggregate needs a plain struct");
  return [&]<std::size_t... B, std::size_t... I>(std::index_sequence<B...>, std::index_sequence<I...>) -> T {
    static_assert((detail::InitialiserOf<Values, field_type<T, I>> && ...),
                  "mica::reflect: a value does not convert to the type of its field");
    return T{(static_cast<void>(B), detail::EmptyBaseValue<T>{})..., std::forward<Values>(values)...};
  }(std::make_index_sequence<empty_base_count<T>>{}, std::index_sequence_for<Values...>{});
}
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

// A new T, each of whose fields is initialised by fn(name, field of source), in order of declaration: a copy
// field by field, decided by the caller. Fields may be move-only, and not even movable if fn returns a
// prvalue of their type. For plain structs. Empty bases are default-constructed.
template <class T, class Fn> T rebuild_aggregate(const T& source, Fn&& fn) {
  static_assert(PlainStruct<T>, "mica::reflect: rebuild_aggregate needs a plain struct");
  return apply_fields(source, [&]<class... Fields>(const Fields&... fields) -> T {
    return
        [&]<std::size_t... B, std::size_t... I>(std::index_sequence<B...>, std::index_sequence<I...>) -> T {
          static_assert((detail::InitialiserOf<decltype(fn(field_name<T, I>, fields)), Fields> && ...),
                        "mica::reflect: what fn returns does not convert to the type of the field");
          return T{(static_cast<void>(B), detail::EmptyBaseValue<T>{})..., fn(field_name<T, I>, fields)...};
        }(std::make_index_sequence<empty_base_count<T>>{}, std::index_sequence_for<Fields...>{});
  });
}

}  // namespace mica::reflect
