// The one traversal of a model. Each module type instantiates walk(), which names members and calls the
// visitor's virtual functions; everything built on it is compiled once, in .cpp files.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <mica/nn/parameter.h>
#include <mica/reflect/fields.h>
#include <mica/reflect/type_name.h>

namespace mica::nn {

struct Module;
class AnyModule;

template <class T>
concept IsModule = std::derived_from<std::remove_cvref_t<T>, Module>;

// A module as a visitor sees it.
struct ModuleInfo {
  std::string_view type;                           // "Linear"; "ModuleList" and "ModuleDict" for containers
  void* address = nullptr;                         // null for containers
  const void* type_tag = nullptr;                  // one value per type
  std::string (*describe)(const void*) = nullptr;  // "in_features=4, out_features=5, bias=True"
};

// Called for every member in order of declaration. `name` is the member's own name; path() joins it to those
// of the modules around it.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void enter(std::string_view, const ModuleInfo&) {}
  virtual void leave(const ModuleInfo&) {}
  virtual void parameter(std::string_view, Parameter&) {}
  virtual void buffer(std::string_view, Buffer&) {}
  virtual void mode(std::string_view, Mode&) {}

  // "blocks.0.weight" for "weight" inside (blocks, 0).
  std::string path(std::string_view name) const;
  void push(std::string_view name, const ModuleInfo& info);
  void pop(const ModuleInfo& info);

 private:
  std::string prefix_;
  std::vector<std::size_t> lengths_;  // of prefix_ before each push
};

namespace detail {
template <class T> inline constexpr char type_tag = 0;

template <class T>
concept AnyMap = requires { typename T::mapped_type; };
template <class T>
concept ListLike = requires(T& t) {
  t.begin();
  t.end();
  t[0];
  typename T::value_type;
} && !AnyMap<T> && !std::same_as<T, std::string> && !std::same_as<T, std::string_view>;
template <class T>
concept MapLike = AnyMap<T> && std::convertible_to<const typename T::key_type&, std::string_view>;
template <class T>
concept OptionalLike = requires(T& t) {
  t.has_value();
  *t;
};
template <class T>
concept OwnerLike = requires(T& t) {
  t.get();
  *t;
  typename T::deleter_type;
};
template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; } && !ListLike<T>;
template <class T> inline constexpr bool is_variant = false;
template <class... T> inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T> inline constexpr bool is_shared_ptr = false;
template <class T> inline constexpr bool is_shared_ptr<std::shared_ptr<T>> = true;

// What a member may hold, anywhere inside: state, which must be found; or also bare tensors, which a deep
// copy must not share.
enum class Held { state, state_or_tensors };

template <class T, Held what = Held::state> consteval bool holds_state();
template <class T, Held what> struct tuple_holds_state;
template <template <class...> class Tuple, class... T, Held what>
struct tuple_holds_state<Tuple<T...>, what>
    : std::bool_constant<(holds_state<std::remove_cv_t<T>, what>() || ...)> {};

template <class T, Held what> consteval bool holds_state() {
  if constexpr (std::same_as<T, Parameter> || std::same_as<T, Buffer> || std::same_as<T, Mode> ||
                std::same_as<T, AnyModule> || IsModule<T>) {
    return true;
  } else if constexpr (std::same_as<T, Tensor>) {
    return what == Held::state_or_tensors;
  } else if constexpr (MapLike<T>) {
    return holds_state<typename T::mapped_type, what>();
  } else if constexpr (ListLike<T> || OptionalLike<T>) {
    return holds_state<typename T::value_type, what>();
  } else if constexpr (OwnerLike<T>) {
    return holds_state<typename T::element_type, what>();
  } else if constexpr (is_variant<T> || TupleLike<T>) {
    return tuple_holds_state<T, what>::value;
  } else {
    return false;
  }
}

// Does a member of this type own state where no walk can reach or name it?
template <class T> consteval bool hides_state() {
  if constexpr (holds_state<T>()) {
    return false;
  } else if constexpr (is_shared_ptr<T>) {
    return holds_state<std::remove_cv_t<typename T::element_type>>();
  } else if constexpr (AnyMap<T>) {
    return holds_state<typename T::mapped_type>();
  } else if constexpr (requires(T& t) {
                         t.push_back(std::declval<typename T::value_type>());
                       }) {  // std::list
    return holds_state<typename T::value_type>();
  } else {
    return false;
  }
}

// A plain member as print shows it; empty if it is not shown.
std::string show(std::int64_t value);
std::string show(double value);
std::string show(bool value);
std::string show(const std::string& value);

template <class T> std::string show_field(const T& field) {
  if constexpr (std::same_as<T, bool>)
    return show(field);
  else if constexpr (std::integral<T>)
    return show(static_cast<std::int64_t>(field));
  else if constexpr (std::floating_point<T>)
    return show(static_cast<double>(field));
  else if constexpr (std::convertible_to<const T&, std::string>)
    return show(std::string(field));
  else
    return {};
}

// extra_repr() if the module has one, else its plain members: "in=784, hidden=512".
template <class T> std::string describe(const void* address) {
  const T& module = *static_cast<const T*>(address);
  if constexpr (requires { module.extra_repr(); }) {
    return module.extra_repr();
  } else {
    std::string out;
    reflect::for_each_field(module, [&](std::string_view name, const auto& field) {
      const std::string value = show_field(field);
      if (value.empty()) return;
      if (!out.empty()) out += ", ";
      out.append(name).append("=").append(value);
    });
    return out;
  }
}

template <class T> ModuleInfo info_of(T& module) {
  return {reflect::type_name<T>(), static_cast<void*>(&module), &type_tag<T>, &describe<T>};
}

// A module whose only field is a list, and whose paths do not name that field (Sequential: "0.weight").
template <class T>
concept Container = requires { typename T::names_stages_by_index; };

template <class T> void walk_member(std::string_view name, T& member, Visitor& v);

template <class List> void walk_indexed(List& list, Visitor& v) {
  std::size_t i = 0;
  for (auto& item : list) walk_member(std::to_string(i++), item, v);
}

// The members of a module, not the module itself.
template <class T> void walk_members(T& module, Visitor& v) {
  reflect::for_each_field(module, [&](std::string_view name, auto& member) {
    if constexpr (Container<T>)
      walk_indexed(member, v);
    else
      walk_member(name, member, v);
  });
}

template <class T> void walk_module(std::string_view name, T& module, Visitor& v) {
  const ModuleInfo info = info_of(module);
  v.push(name, info);
  walk_members(module, v);
  v.pop(info);
}

template <class T> void walk_member(std::string_view name, T& member, Visitor& v) {
  static_assert(!hides_state<std::remove_cv_t<T>>(),
                "a member of this type would hide the modules or parameters in it: use std::unique_ptr for "
                "std::shared_ptr (nn::tied shares parameters), std::vector for other lists, and std::string "
                "for the keys of a map");
  if constexpr (!holds_state<std::remove_cv_t<T>>()) {
    return;  // plain data, or a scratch tensor
  } else if constexpr (std::same_as<T, Parameter>) {
    if (member.defined()) v.parameter(name, member);
  } else if constexpr (std::same_as<T, Buffer>) {
    if (member.defined()) v.buffer(name, member);
  } else if constexpr (std::same_as<T, Mode>) {
    v.mode(name, member);
  } else if constexpr (std::same_as<T, AnyModule>) {
    member.walk(name, v);
  } else if constexpr (IsModule<T>) {
    walk_module(name, member, v);
  } else if constexpr (OptionalLike<T>) {
    if (member.has_value()) walk_member(name, *member, v);
  } else if constexpr (OwnerLike<T>) {
    if (member != nullptr) walk_member(name, *member, v);
  } else if constexpr (is_variant<T>) {
    std::visit([&](auto& alternative) { walk_member(name, alternative, v); }, member);
  } else if constexpr (MapLike<T>) {
    const ModuleInfo info{.type = "ModuleDict"};
    v.push(name, info);
    for (auto& [key, item] : member) walk_member(key, item, v);
    v.pop(info);
  } else {
    const ModuleInfo info{.type = "ModuleList"};
    v.push(name, info);
    if constexpr (ListLike<T>)
      walk_indexed(member, v);
    else {
      std::apply(
          [&](auto&... items) {
            std::size_t i = 0;
            (walk_member(std::to_string(i++), items, v), ...);
          },
          member);
    }
    v.pop(info);
  }
}

}  // namespace detail

}  // namespace mica::nn
