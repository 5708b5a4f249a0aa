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
#include <vector>

#include <mica/nn/module_ref.h>
#include <mica/nn/parameter.h>
#include <mica/nn/plain.h>
#include <mica/reflect/fields.h>
#include <mica/reflect/type_name.h>

namespace mica::nn {

// Called for every member in order of declaration. `name` is the member's own name; path() joins it to those
// of the modules around it.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void enter(std::string_view, const ModuleRef&) {}
  virtual void leave(const ModuleRef&) {}
  virtual void parameter(std::string_view, Parameter&) {}
  virtual void buffer(std::string_view, Buffer&) {}
  virtual void mode(std::string_view, Mode&) {}
  // A parameter or buffer that has no shape yet.
  virtual void uninitialized_parameter(std::string_view, Parameter&) {}
  virtual void uninitialized_buffer(std::string_view, Buffer&) {}
  // A bare tensor, which is no state; one in a std container has its index or key in the name ("cache.0").
  virtual void tensor(std::string_view, Tensor&) {}
  // Plain data, as FieldRef knows it.
  virtual void field(std::string_view, const FieldRef&) {}

  // "blocks.0.weight" for "weight" inside (blocks, 0).
  std::string path(std::string_view name) const;
  // The path of owner().
  const std::string& prefix() const { return prefix_; }
  // The module whose members are being shown; 0 for the one that the walk started at.
  const ModuleRef& owner() const { return around_.back().module; }
  std::size_t depth() const { return around_.size() - 1; }

  // For walks: what follows is inside `module`.
  void push(std::string_view name, const ModuleRef& module);
  void pop();

 private:
  friend ModuleRef;
  struct Level {
    ModuleRef module;
    std::size_t prefix_length;  // before it
  };
  std::string prefix_;
  std::vector<Level> around_;
};

namespace detail {
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
// std::variant, whose header only those include who have one; visit() is found by its argument.
template <class T>
concept VariantLike = requires(const T& t) {
  t.valueless_by_exception();
  t.index();
};
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
  } else if constexpr (VariantLike<T> || TupleLike<T>) {
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

// A plain member as print shows it.
std::string show(std::int64_t value);
std::string show(double value);
std::string show(bool value);
std::string show(const std::string& value);

// Adds "name=value".
void add_shown(std::string& out, std::string_view name, const std::string& value);

template <class T>
inline constexpr bool is_shown = std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string>;
template <class T> std::string show_field(const T& field) {
  if constexpr (std::same_as<T, bool>)
    return show(field);
  else if constexpr (std::integral<T>)
    return show(static_cast<std::int64_t>(field));
  else if constexpr (std::floating_point<T>)
    return show(static_cast<double>(field));
  else
    return show(std::string(field));
}

template <class T>
inline constexpr ExtraState extra_state_of = {
    [](const void* module) -> Tensor { return static_cast<const T*>(module)->get_extra_state(); },
    [](void* module, const Tensor& state) { static_cast<T*>(module)->set_extra_state(state); }};
template <class T> constexpr const ExtraState* extra_state() {
  constexpr bool gets = requires(const T& m) { m.get_extra_state(); };
  constexpr bool sets = requires(T& m, const Tensor& state) { m.set_extra_state(state); };
  static_assert(
      gets == sets,
      "a module with extra state has both get_extra_state() const and set_extra_state(const Tensor&)");
  if constexpr (gets && sets)
    return &extra_state_of<T>;
  else
    return nullptr;
}

template <class T> std::int64_t flops_of(const void* module, const Arguments& args, const Value& result) {
  return static_cast<const T*>(module)->flops(args, result);
}
// Null for types that do not say.
template <class T> constexpr FlopsFunction flops_function() {
  if constexpr (requires(const T& m, const Arguments& args, const Value& result) {
                  { m.flops(args, result) } -> std::convertible_to<std::int64_t>;
                })
    return &flops_of<T>;
  else
    return nullptr;
}

// The name of a module's type; lazy layers have that of the layer they have become.
template <class T> std::string_view type_of(const T& module) {
  if constexpr (requires { module.printed_type(); })
    return module.printed_type();
  else
    return reflect::type_name<T>();
}

template <class T> constexpr auto printed_type() -> std::string_view (*)(const void*) {
  if constexpr (requires(const T& module) { module.printed_type(); })
    return
        [](const void* module) -> std::string_view { return static_cast<const T*>(module)->printed_type(); };
  else
    return nullptr;
}

template <class T>
concept DeclaresVersion = requires { requires std::same_as<decltype(&T::version), const int*>; };
template <class T>
concept Migrates = requires(const StateDict& state) {
  { T::migrate(state, 1) } -> std::same_as<StateDict>;
};
template <class T> consteval Evolution evolution() {
  static_assert(DeclaresVersion<T> || !Migrates<T>,
                "a module that migrates old state says which version is the present one: "
                "static constexpr int version = 2;");
  Evolution out;
  if constexpr (DeclaresVersion<T>) out.version = T::version;
  if constexpr (Migrates<T>)
    out.migrate = [](const StateDict& s, int version) { return T::migrate(s, version); };
  return out;
}

// extra_repr() if the module has one, else its plain members: "in=784, hidden=512".
template <class T> std::string describe(const void* address) {
  const T& module = *static_cast<const T*>(address);
  if constexpr (requires { module.extra_repr(); }) {
    return module.extra_repr();
  } else {
    std::string out;
    reflect::for_each_field(module, [&]<class F>(std::string_view name, const F& field) {
      if constexpr (is_shown<F>) add_shown(out, name, show_field(field));
    });
    return out;
  }
}

// A module whose only field is a list, and whose paths do not name that field (Sequential: "0.weight").
template <class T>
concept Container = requires { typename T::names_stages_by_index; };

// "0"; "cache" and "0" make "cache.0".
std::string index_name(std::size_t i);
std::string item_name(std::string_view name, std::string_view item);
std::string item_name(std::string_view name, std::size_t i);

template <class T> void walk_member(std::string_view name, T& member, Visitor& v);

template <class List> void walk_indexed(List& list, Visitor& v) {
  std::size_t i = 0;
  for (auto& item : list) walk_member(index_name(i++), item, v);
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

// What a member contains: those of a module, the items of a container.
template <class T> void walk_items(T& container, Visitor& v) {
  if constexpr (MapLike<T>) {
    for (auto& [key, item] : container) walk_member(key, item, v);
  } else if constexpr (ListLike<T>) {
    walk_indexed(container, v);
  } else {
    std::apply(
        [&](auto&... items) {
          std::size_t i = 0;
          (walk_member(index_name(i++), items, v), ...);
        },
        container);
  }
}
template <class T> void walk_contents(void* module, Visitor& v) {
  if constexpr (IsModule<T>)
    walk_members(*static_cast<T*>(module), v);
  else
    walk_items(*static_cast<T*>(module), v);
}

// PyTorch's names for what holds modules or parameters.
template <class T> consteval std::string_view container_type() {
  if constexpr (MapLike<T>)
    return std::same_as<typename T::mapped_type, Parameter> ? "ParameterDict" : "ModuleDict";
  else if constexpr (ListLike<T>)
    return std::same_as<typename T::value_type, Parameter> ? "ParameterList" : "ModuleList";
  else
    return "ModuleList";
}

// Bare tensors in a member that holds no state.
template <class T> void walk_tensors(std::string_view name, T& member, Visitor& v) {
  using Plain = std::remove_cv_t<T>;
  if constexpr (!holds_state<Plain, Held::state_or_tensors>()) {
    return;
  } else if constexpr (std::same_as<Plain, Tensor>) {
    v.tensor(name, const_cast<Tensor&>(member));
  } else if constexpr (OptionalLike<Plain>) {
    if (member.has_value()) walk_tensors(name, *member, v);
  } else if constexpr (OwnerLike<Plain>) {
    if (member != nullptr) walk_tensors(name, *member, v);
  } else if constexpr (VariantLike<Plain>) {
    visit([&](auto& alternative) { walk_tensors(name, alternative, v); }, member);
  } else if constexpr (MapLike<Plain>) {
    for (auto& [key, item] : member) walk_tensors(item_name(name, key), item, v);
  } else if constexpr (ListLike<Plain>) {
    std::size_t i = 0;
    for (auto& item : member) walk_tensors(item_name(name, i++), item, v);
  } else {
    std::apply(
        [&](auto&... items) {
          std::size_t i = 0;
          (walk_tensors(item_name(name, i++), items, v), ...);
        },
        member);
  }
}

template <class T> void walk_member(std::string_view name, T& member, Visitor& v) {
  static_assert(!hides_state<std::remove_cv_t<T>>(),
                "a member of this type would hide the modules or parameters in it: use std::unique_ptr for "
                "std::shared_ptr (nn::tied shares parameters), std::vector for other lists, and std::string "
                "for the keys of a map");
  if constexpr (!holds_state<std::remove_cv_t<T>>()) {
    walk_tensors(name, member, v);  // scratch
    if constexpr (is_plain<std::remove_cv_t<T>>()) v.field(name, FieldRef(member));
  } else if constexpr (std::same_as<T, Parameter>) {
    if (member.defined())
      v.parameter(name, member);
    else if (member.is_uninitialized())
      v.uninitialized_parameter(name, member);
  } else if constexpr (std::same_as<T, Buffer>) {
    if (member.defined())
      v.buffer(name, member);
    else if (member.is_uninitialized())
      v.uninitialized_buffer(name, member);
  } else if constexpr (std::same_as<T, Mode>) {
    v.mode(name, member);
  } else if constexpr (std::same_as<T, AnyModule>) {
    member.walk(name, v);
  } else if constexpr (IsModule<T>) {
    ModuleRef(member).walk_as(name, v);
  } else if constexpr (OptionalLike<T>) {
    if (member.has_value()) walk_member(name, *member, v);
  } else if constexpr (OwnerLike<T>) {
    if (member != nullptr) walk_member(name, *member, v);
  } else if constexpr (VariantLike<T>) {
    visit([&](auto& alternative) { walk_member(name, alternative, v); }, member);
  } else {
    ModuleRef::to_container(member).walk_as(name, v);
  }
}

template <class T> const ModuleType& module_type() {
  static constexpr ModuleType type = {
      .name = reflect::type_name<T>(),
      .printed_type = printed_type<T>(),
      .tag = &type_tag<T>,
      .describe = &describe<T>,
      .walk = &walk_contents<T>,
      .extra = extra_state<T>(),
      .flops = flops_function<T>(),
      .evolution = evolution<T>(),
  };
  return type;
}
template <class Container>
inline constexpr ModuleType container_type_of = {
    .name = container_type<Container>(), .tag = &type_tag<Container>, .walk = &walk_contents<Container>};

}  // namespace detail

// Visitors take members by reference; those of const functions change nothing.
template <IsModule T>
ModuleRef::ModuleRef(T& module)
    : ModuleRef(detail::module_type<std::remove_const_t<T>>(), const_cast<std::remove_const_t<T>*>(&module),
                &module) {}

template <class Container> ModuleRef ModuleRef::to_container(Container& container) {
  return {detail::container_type_of<Container>, &container, nullptr};
}

template <class T> Filter inside() {
  return Filter([](std::string_view, const ModuleRef& owner) { return owner.get_if<T>() != nullptr; });
}

}  // namespace mica::nn
