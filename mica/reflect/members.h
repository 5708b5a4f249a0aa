// NN_MEMBERS: how a class that is no aggregate tells reflection its fields.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

// Lists the fields of a class that has a constructor, private members or virtual functions:
//
//   class Linear : public nn::Module {
//    public:
//     explicit Linear(int in, int out);
//     NN_MEMBERS(weight_, bias_)      // in the public part; the members themselves may be private
//    private:
//     nn::Parameter weight_;
//     std::optional<nn::Parameter> bias_;
//   };
//
// The order of the list is the order of the visit; members left out are not visited; NN_MEMBERS() lists none.
// A derived class does not inherit the list: it gives its own, which also names the inherited members.
//
// mica_members() returns a closure because the language allows no member templates in local classes.
#define NN_MEMBERS(...)                                                            \
  constexpr auto mica_members() {                                                  \
    return [&](auto&& mica_fn) -> decltype(auto) { return mica_fn(__VA_ARGS__); }; \
  }                                                                                \
  constexpr auto mica_members() const {                                            \
    return [&](auto&& mica_fn) -> decltype(auto) { return mica_fn(__VA_ARGS__); }; \
  }                                                                                \
  static constexpr std::string_view mica_member_list() { return #__VA_ARGS__; }    \
  auto mica_members_of() const -> const std::remove_cvref_t<decltype(*this)>*;

namespace mica::reflect::detail {

// T or one of its bases has an NN_MEMBERS list.
template <class T>
concept HasMemberList = requires(const T& object) { object.mica_members_of(); };

// T itself has one: the function names the class in which the macro stands.
template <class T>
concept ListsMembers = HasMemberList<T> && requires(const T& object) {
  { object.mica_members_of() } -> std::same_as<const T*>;
};

consteval std::size_t count_listed(std::string_view list) {
  if (list.empty()) return 0;
  std::size_t commas = 0;
  for (char c : list) commas += c == ',';
  return commas + 1;
}

// Splits "weight_, bias_" at the commas; the preprocessor may leave blanks on either side of a name.
template <std::size_t Count> consteval std::array<std::string_view, Count> split_list(std::string_view list) {
  std::array<std::string_view, Count> names;
  for (std::string_view& name : names) {
    std::size_t comma = list.find(',');
    name = list.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (comma != list.npos) list.remove_prefix(comma + 1);
  }
  return names;
}

template <class T>
inline constexpr auto listed_names = split_list<count_listed(T::mica_member_list())>(T::mica_member_list());

}  // namespace mica::reflect::detail
