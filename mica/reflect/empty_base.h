// How a base class without fields makes itself known to reflection.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace mica::reflect {

// A base class that adds no fields says so with an alias to itself:
//   struct Module { using reflect_base = Module; };
// Reflection has to be told: an empty base takes the first initialiser of an aggregate, and where a field's
// own class has the same base, no test of initialisers can tell the base of the one from the base of the
// other.
template <class T>
concept HasReflectBase =
    requires { typename T::reflect_base; } && std::is_empty_v<typename T::reflect_base> &&
    std::derived_from<T, typename T::reflect_base> && !std::same_as<T, typename T::reflect_base>;

// How many direct, empty bases T has. Specialise it for an aggregate with several, or whose base has no
// alias.
template <class T> inline constexpr std::size_t empty_base_count = HasReflectBase<T> ? 1 : 0;

}  // namespace mica::reflect
