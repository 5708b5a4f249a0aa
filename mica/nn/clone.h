// Deep copies of modules.
#pragma once

#include <memory>
#include <utility>

#include <mica/core/owned.h>
#include <mica/nn/walk.h>

namespace mica::nn::detail {

// Remembers what was copied to what, so that tied parameters are tied in the copy too. While it lives, draws
// from the default generator do not count: the empty module that is copied into may initialise its members.
class CloneContext {
 public:
  CloneContext();
  ~CloneContext();
  CloneContext(const CloneContext&) = delete;
  CloneContext& operator=(const CloneContext&) = delete;
  Parameter parameter(const Parameter& original);
  Buffer buffer(const Buffer& original);

 private:
  struct State;
  Owned<State> state_;
};

template <class T> T clone_value(const T& value, CloneContext& context);

// Makes an empty T through its default constructor, which may be private if nn::Module is a friend.
template <class T> T make_empty();

template <class T> T clone_module(const T& module, CloneContext& context) {
  if constexpr (reflect::PlainStruct<T>) {
    return reflect::rebuild_aggregate(
        module, [&](std::string_view, const auto& field) { return clone_value(field, context); });
  } else {
    T copy = make_empty<T>();
    reflect::apply_fields(module, [&](const auto&... from) {
      reflect::apply_fields(copy, [&](auto&... to) { ((to = clone_value(from, context)), ...); });
    });
    return copy;
  }
}

template <class T> T clone_value(const T& value, CloneContext& context) {
  if constexpr (std::same_as<T, Parameter>) {
    return context.parameter(value);
  } else if constexpr (std::same_as<T, Buffer>) {
    return context.buffer(value);
  } else if constexpr (std::same_as<T, AnyModule>) {
    return value.clone(context);
  } else if constexpr (IsModule<T>) {
    return clone_module(value, context);
  } else if constexpr (std::same_as<T, Mode>) {
    return value;
  } else if constexpr (std::same_as<T, Tensor>) {
    return value.defined() ? value.detach().clone() : Tensor();
  } else if constexpr (!holds_state<T, Held::state_or_tensors>() && std::copy_constructible<T>) {
    return value;
  } else if constexpr (OptionalLike<T>) {
    if (!value.has_value()) return T{};
    return T(clone_value(*value, context));
  } else if constexpr (OwnerLike<T>) {
    static_assert(std::same_as<T, std::unique_ptr<typename T::element_type>>,
                  "clone(): this owning pointer cannot be copied; use std::unique_ptr");
    if (value == nullptr) return T{};
    return std::make_unique<typename T::element_type>(clone_value(*value, context));
  } else if constexpr (VariantLike<T>) {
    return visit([&](const auto& alternative) { return T(clone_value(alternative, context)); }, value);
  } else if constexpr (MapLike<T>) {
    T copy;
    for (const auto& [key, item] : value) copy.emplace(key, clone_value(item, context));
    return copy;
  } else if constexpr (TupleLike<T>) {
    return std::apply([&](const auto&... items) { return T(clone_value(items, context)...); }, value);
  } else if constexpr (requires(T& list) { list.push_back(std::declval<typename T::value_type>()); }) {
    T copy;
    for (const auto& item : value) copy.push_back(clone_value(item, context));
    return copy;
  } else if constexpr (ListLike<T>) {  // std::array
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return T{clone_value(value[I], context)...};
    }(std::make_index_sequence<std::tuple_size_v<T>>{});
  } else {
    static_assert(sizeof(T) == 0,
                  "clone(): a member of this type can neither be copied nor searched for modules");
  }
}

}  // namespace mica::nn::detail
