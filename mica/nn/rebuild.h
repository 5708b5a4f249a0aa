// Models made from a blueprint.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/nn/blueprint.h>
#include <mica/nn/module.h>

namespace mica::nn {
namespace detail {

// Fields that the initialisers of later ones may depend on: plain ones (and modes) before the first that is
// not.
template <class T> consteval std::size_t count_leading_fields() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    std::size_t n = 0;
    bool leading = true;
    ((leading = leading && (is_plain<std::remove_cv_t<reflect::field_type<T, I>>>() ||
                            std::same_as<reflect::field_type<T, I>, Mode>),
      n += leading ? 1 : 0),
     ...);
    return n;
  }(std::make_index_sequence<reflect::field_count<T>>{});
}

template <class T>
concept Remakeable = (IsModule<T> && reflect::PlainStruct<T>) || std::default_initializable<T>;
// What has a path of its own in a blueprint: modules and containers of them.
template <class T>
concept HasPart = IsModule<T> || (holds_state<T>() && (MapLike<T> || ListLike<T> || TupleLike<T>));

const Blueprint::Part& part_at(const Blueprint& b, const std::string& path, std::string_view type);

template <class F>
F leading_field(const Blueprint::Part& part, const std::string& path, std::string_view name,
                std::vector<std::string>& misfits) {
  if constexpr (std::same_as<F, Mode>) {
    return Mode{};
  } else {
    Misfit misfit;
    misfit.enter(join_path(path, name));
    F out = from_plain<F>(read_entry(part.fields, name, misfit), misfit);
    if (misfit.found()) misfits.push_back(misfit.text());
    return out;
  }
}

template <class T> void refit_members(T& module, const Blueprint& b, const std::string& path);

// A module as the one at a path of the blueprint was made; what follows from its members is in place, the
// others are still to be set.
template <class T> T remake(const Blueprint& b, const std::string& path) {
  const Blueprint::Part& part = part_at(b, path, reflect::type_name<T>());
  const auto made = [&] {
    if constexpr (reflect::PlainStruct<T>) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        std::vector<std::string> misfits;
        auto leading = std::tuple{leading_field<std::remove_cv_t<reflect::field_type<T, I>>>(
            part, path, reflect::field_name<T, I>, misfits)...};
        if (!misfits.empty()) throw_misfits(reflect::type_name<T>(), misfits);
        return reflect::make_aggregate<T>(std::get<I>(std::move(leading))...);
      }(std::make_index_sequence<count_leading_fields<T>()>{});
    } else {
      static_assert(std::default_initializable<T>,
                    "rebuild<T>: a class with NN_MEMBERS is made empty and then gets its members: give it a "
                    "public default constructor, or construct it and load(model, path) its weights");
      return T();
    }
  };
  T module = made();
  refit_members(module, b, path);
  return module;
}

// An item for a container; one that is a container itself is still empty.
template <Remakeable T> T make_item(const Blueprint& b, const std::string& path) {
  if constexpr (IsModule<T>)
    return remake<T>(b, path);
  else
    return T{};
}

// Whether a module was made from other members than the blueprint has.
template <class T> bool differs(const T& module, const Blueprint& b, const std::string& path) {
  const Blueprint::Part* part = b.find(path);
  if (part == nullptr || part->type != reflect::type_name<T>()) return false;  // an error, later
  std::size_t i = 0;
  bool out = false;
  reflect::for_each_field(module, [&](std::string_view name, const auto& field) {
    using F = std::remove_cvref_t<decltype(field)>;
    if constexpr (is_plain<F>()) {
      Misfit misfit;
      if (i < count_leading_fields<T>())
        out = out || read_entry(part->fields, name, misfit) != to_plain(field);
    }
    ++i;
  });
  return out;
}

// Makes a member what the blueprint has at its path: modules made from other members are made anew,
// containers get as many.
template <class F> void refit(F& member, const Blueprint& b, const std::string& path) {
  if constexpr (std::is_const_v<F> || !holds_state<F>() || std::same_as<F, Parameter> ||
                std::same_as<F, Buffer> || std::same_as<F, Mode> || std::same_as<F, AnyModule>) {
    return;
  } else if constexpr (IsModule<F>) {
    if constexpr (reflect::PlainStruct<F> && std::is_move_assignable_v<F>) {
      if (differs(member, b, path)) {
        member = remake<F>(b, path);
        return;
      }
    }
    refit_members(member, b, path);
  } else if constexpr (OptionalLike<F> || OwnerLike<F>) {
    using Item = std::remove_cvref_t<decltype(*member)>;
    if constexpr (IsModule<Item>) {
      if (b.find(path) == nullptr) {
        member.reset();
      } else if (member) {
        refit(*member, b, path);
      } else if constexpr (Remakeable<Item>) {
        if constexpr (OptionalLike<F>)
          member.emplace(remake<Item>(b, path));
        else
          member = std::make_unique<Item>(remake<Item>(b, path));
      }
    }
  } else if constexpr (MapLike<F>) {
    using Item = typename F::mapped_type;
    if constexpr (HasPart<Item>) {
      std::erase_if(member, [&](const auto& item) { return b.find(join_path(path, item.first)) == nullptr; });
      if constexpr (Remakeable<Item>) {
        for (const std::string& key : b.children(path)) {
          if (!member.contains(key)) member.emplace(key, make_item<Item>(b, join_path(path, key)));
        }
      }
    }
    for (auto& [key, item] : member) refit(item, b, join_path(path, key));
  } else if constexpr (ListLike<F>) {
    using Item = typename F::value_type;
    const auto item_path = [&](std::size_t i) { return join_path(path, std::to_string(i)); };
    if constexpr (HasPart<Item> && requires { member.pop_back(); }) {
      while (!member.empty() && b.find(item_path(member.size() - 1)) == nullptr) member.pop_back();
      if constexpr (Remakeable<Item>) {
        while (b.find(item_path(member.size())) != nullptr)
          member.push_back(make_item<Item>(b, item_path(member.size())));
      }
    }
    std::size_t i = 0;
    for (auto& item : member) refit(item, b, item_path(i++));
  } else if constexpr (VariantLike<F>) {
    visit([&](auto& alternative) { refit(alternative, b, path); }, member);
  } else {
    std::apply(
        [&](auto&... items) {
          std::size_t i = 0;
          (refit(items, b, join_path(path, std::to_string(i++))), ...);
        },
        member);
  }
}

template <class T> void refit_members(T& module, const Blueprint& b, const std::string& path) {
  // A module whose plain members decide which state it has.
  if constexpr (requires(const Blueprint::Part& part) { module.refit(part.fields); }) {
    if (const Blueprint::Part* part = b.find(path)) module.refit(part->fields);
  }
  if constexpr (!Container<T>) {
    reflect::for_each_field(
        module, [&](std::string_view name, auto& member) { refit(member, b, join_path(path, name)); });
  }
}

}  // namespace detail

// A model as it was when its blueprint was taken, except for its numbers. The plain members before the first
// other one initialise the struct, so that its layers follow from them; the others are assigned. Modules
// inside that were made from other members than they would be now (a block in a vector) are made anew from
// theirs; containers get as many. Errors: see apply_blueprint.
template <IsModule T> T rebuild(const Blueprint& blueprint) {
  T model = detail::remake<T>(blueprint, "");
  apply_blueprint(ModuleRef(model), blueprint);
  return model;
}

}  // namespace mica::nn
