// The fields of an aggregate in C++23: how many there are, references to them, their names. fields.h is the
// public face of this file.
//
// Count: the largest N for which T{Anything x N} is well-formed. References: a structured binding of that
// size. Names: a pointer to the field of an object that is never defined is a valid template argument, and
// compilers spell it out in the function's signature.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <mica/reflect/bindings.h>
#include <mica/reflect/empty_base.h>

namespace mica::reflect {

namespace detail {

// Stands for an initialiser of any type, in unevaluated operands only. The bodies are never run; without them
// compilers complain about types without linkage, because a constexpr constructor that takes the initialiser
// is instantiated even there.
struct Anything {
  template <class T> operator T() const noexcept { std::unreachable(); }
};

template <class T> struct AnythingBut {
  template <class U>
    requires(!std::same_as<U, T>)
  operator U() const noexcept {
    std::unreachable();
  }
};

// The initialiser of a direct base class of T; IsWanted tells which of them it accepts.
template <class T, template <class> class IsWanted> struct BaseOf {
  template <class U>
    requires(std::derived_from<T, U> && !std::same_as<T, U> && IsWanted<U>::value)
  operator U() const noexcept {
    std::unreachable();
  }
};

template <class U> struct AnyClass : std::true_type {};
template <class U> struct WithFields : std::bool_constant<!std::is_empty_v<U>> {};

template <class T, std::size_t Count> consteval bool accepts() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), Anything{})...}; };
  }(std::make_index_sequence<Count>{});
}

// As accepts(), but every initialiser must match a field of its own: parentheses allow no brace elision, so a
// C array, which braces fill element by element, is refused.
template <class T, std::size_t Count> consteval bool accepts_one_each() {
  if constexpr (Count == 1) {
    return requires { T(AnythingBut<T>{}); };  // `Anything` would be taken for a copy of T
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return requires { T((static_cast<void>(I), Anything{})...); };
    }(std::make_index_sequence<Count>{});
  }
}

inline constexpr std::size_t no_slots = static_cast<std::size_t>(-1);

// T accepts the counts of one interval: from the last field that needs an initialiser to the number of
// fields.
template <class T, std::size_t Limit, std::size_t Count = 0> consteval std::size_t fewest_slots() {
  if constexpr (accepts<T, Count>()) {
    return Count;
  } else if constexpr (Count < Limit) {
    return fewest_slots<T, Limit, Count + 1>();
  } else {
    return no_slots;
  }
}

// The largest accepted count, given that Low is accepted and High is not.
template <class T, std::size_t Low, std::size_t High> consteval std::size_t bisect_slots() {
  constexpr std::size_t middle = Low + (High - Low) / 2;
  if constexpr (middle == Low) {
    return Low;
  } else if constexpr (accepts<T, middle>()) {
    return bisect_slots<T, middle, High>();
  } else {
    return bisect_slots<T, Low, middle>();
  }
}

// Doubles the step from an accepted count until one is refused: most structs have few fields.
template <class T, std::size_t Limit, std::size_t Low, std::size_t Step = 1>
consteval std::size_t gallop_slots() {
  if constexpr (Low >= Limit) {
    return Limit;
  } else {
    constexpr std::size_t next = Low + Step < Limit ? Low + Step : Limit;
    if constexpr (accepts<T, next>()) {
      return gallop_slots<T, Limit, next, 2 * Step>();
    } else {
      return bisect_slots<T, Low, next>();
    }
  }
}

template <class T> consteval std::size_t count_slots() {
  constexpr std::size_t limit = empty_base_count<T> + max_fields + 1;  // one more, to notice too many
  constexpr std::size_t fewest = fewest_slots<T, limit>();
  if constexpr (fewest == no_slots) {
    return no_slots;
  } else {
    return gallop_slots<T, limit, fewest>();
  }
}

// Initialisers that an aggregate takes: its empty bases and its fields.
template <class T> inline constexpr std::size_t slot_count = count_slots<T>();

template <class T> inline constexpr std::size_t aggregate_field_count = slot_count<T> - empty_base_count<T>;

template <class T, class First> consteval bool starts_with_initialiser() {
  if constexpr (slot_count<T> == 0 || slot_count<T> == no_slots) {
    return false;
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return requires { T{First{}, (static_cast<void>(I), Anything{})...}; };
    }(std::make_index_sequence<slot_count<T> - 1>{});
  }
}

// A first field that is made from whatever it is given takes `Unrelated` as well, and is no base.
struct Unrelated {};
template <class T, template <class> class IsWanted> consteval bool has_base() {
  return starts_with_initialiser<T, BaseOf<T, IsWanted>>() && !starts_with_initialiser<T, Unrelated>();
}

template <class T>
inline constexpr bool has_base_with_fields = empty_base_count<T> < 2 && has_base<T, WithFields>();
template <class T>
inline constexpr bool has_unknown_base = empty_base_count<T> == 0 && has_base<T, AnyClass>();

template <class T, class Fn> constexpr decltype(auto) apply_aggregate(T& object, Fn&& fn) {
  return Bindings<aggregate_field_count<std::remove_const_t<T>>>::apply(object, fn);
}

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

// An object with addresses and no definition. The wrapper gives local and unnamed-namespace types what their
// own variables would lack: linkage.
template <class T> struct NeverDefined {
  const T value;
  static const NeverDefined object;
};

template <std::size_t Index, class Field> struct FieldAddress {
  Field* address;
};

template <class Indices, class... Fields> struct FieldAddresses;
template <std::size_t... Index, class... Fields>
struct FieldAddresses<std::index_sequence<Index...>, Fields...> : FieldAddress<Index, Fields>... {};

template <class T> consteval auto addresses_of_fields() {
  return apply_aggregate(NeverDefined<T>::object.value, []<class... Fields>(Fields&... fields) {
    return FieldAddresses<std::index_sequence_for<Fields...>, Fields...>{{&fields}...};
  });
}

template <std::size_t Index, class Field>
consteval FieldAddress<Index, Field> select(FieldAddress<Index, Field> address) {
  return address;
}

// A field that is a reference refers to another object, whose address is not constant.
template <class T>
concept HasConstantAddresses = requires { typename std::bool_constant<(addresses_of_fields<T>(), true)>; };

template <class T> consteval bool is_plain_struct() {
  if constexpr (!std::is_aggregate_v<T> || !std::is_class_v<T>) {
    return false;
  } else if constexpr (slot_count<T> == no_slots || has_base_with_fields<T> || has_unknown_base<T>) {
    return false;
  } else if constexpr (aggregate_field_count<T> > max_fields || !accepts_one_each<T, slot_count<T>>()) {
    return false;
  } else {
    return HasConstantAddresses<T>;
  }
}

// is_plain_struct() once more, with a sentence for each way to fail.
template <class T> consteval void explain_plain_struct() {
  if constexpr (!std::is_aggregate_v<T> || !std::is_class_v<T>) {
    static_assert(std::is_class_v<T> && std::is_aggregate_v<T>,
                  "mica::reflect: this class has a constructor, private members or virtual functions: "
                  "list its members with NN_MEMBERS(...) in its public part");
  } else if constexpr (slot_count<T> == no_slots) {
    static_assert(slot_count<T> != no_slots,
                  "mica::reflect: no values can initialise this struct: is one of its fields a reference? "
                  "Use a pointer");
  } else if constexpr (has_base_with_fields<T>) {
    static_assert(!has_base_with_fields<T>,
                  "mica::reflect: the fields are split over this struct and a base class: "
                  "make the base a field, or move all fields to one class");
  } else if constexpr (has_unknown_base<T>) {
    static_assert(!has_unknown_base<T>,
                  "mica::reflect: unknown base class: declare `using reflect_base = TheBase;` in the base, "
                  "or specialise mica::reflect::empty_base_count");
  } else if constexpr (aggregate_field_count<T> > max_fields) {
    static_assert(aggregate_field_count<T> <= max_fields,
                  "mica::reflect: more than 64 fields: group some of them into a nested struct");
  } else if constexpr (!accepts_one_each<T, slot_count<T>>()) {
    static_assert(accepts_one_each<T, slot_count<T>>(),
                  "mica::reflect: one of the fields is a C array: use std::array");
  } else {
    static_assert(HasConstantAddresses<T>,
                  "mica::reflect: one of the fields is a reference: use a pointer or a value");
  }
}

template <auto Address> consteval std::string_view address_signature() {
#ifdef _MSC_VER
  return __FUNCSIG__;
#else
  return __PRETTY_FUNCTION__;
#endif
}

// What follows the name is the same for all fields: measured once on a known one, instead of per compiler.
struct Sample {
  int a_field;
};
inline constexpr std::size_t tail_length = [] {
  constexpr std::string_view known = address_signature<select<0>(addresses_of_fields<Sample>())>();
  return known.size() - known.rfind("a_field") - std::string_view("a_field").size();
}();

consteval std::string_view cut_name(std::string_view signature) {
  signature.remove_suffix(tail_length);
  return signature.substr(signature.find_last_of(":.") + 1);
}

// Views into the compiler's signatures, which must not end up in the binary.
template <class T> consteval auto names_in_signatures() {
  constexpr std::size_t count = aggregate_field_count<T>;
  if constexpr (count == 0) {
    return std::array<std::string_view, 0>{};
  } else {
    constexpr auto addresses = addresses_of_fields<T>();
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<std::string_view, count>{cut_name(address_signature<select<I>(addresses)>())...};
    }(std::make_index_sequence<count>{});
  }
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

static_assert(names_in_signatures<Sample>()[0] == "a_field",
              "mica::reflect: this compiler spells the address of a field in an unknown way");

// The names of all fields of T, one after the other.
template <class T>
inline constexpr auto name_text = [] {
  constexpr auto names = names_in_signatures<T>();
  constexpr std::size_t length = [&] {
    std::size_t sum = 0;
    for (std::string_view name : names) sum += name.size();
    return sum;
  }();
  std::array<char, length> text{};
  std::size_t end = 0;
  for (std::string_view name : names) end += name.copy(text.data() + end, name.size());
  return text;
}();

template <class T>
inline constexpr auto aggregate_names = [] {
  auto names = names_in_signatures<T>();
  std::size_t begin = 0;
  for (std::string_view& name : names) {
    name = {name_text<T>.data() + begin, name.size()};
    begin += name.size();
  }
  return names;
}();

}  // namespace detail
}  // namespace mica::reflect
