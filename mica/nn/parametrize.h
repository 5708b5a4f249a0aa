// Layers whose parameters are functions of others (torch.nn.utils.parametrize).
//
//   struct Symmetric : nn::Module {                        // a map is a module: tensor in, tensor out
//     Tensor forward(const Tensor& x) { return x.triu() + x.triu(1).t(); }
//   };
//   nn::Parametrized<nn::Linear, nn::On<"weight", Symmetric>> fc{nn::Linear{3, 3}};
//   fc(x);                                                 // the weight is Symmetric()(original)
//   fc.parameters();                                       // bias, parametrizations.weight.original
//   nn::Linear plain = std::move(fc).remove();             // the weight of this moment, baked in
//
// Names, printing and files are PyTorch's. Maps that come with the library: parametrizations.h.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/reparametrize.h>

namespace mica::nn {

// While one lives, each parametrized tensor is computed once on this thread, however often its layer is
// called: for a recurrent cell, or a layer used in many places (torch.nn.utils.parametrize.cached). What is
// changed meanwhile is not seen, and training-mode power iterations run once. Nests.
class ParametrizationCache {
 public:
  ParametrizationCache();
  ~ParametrizationCache();
  ParametrizationCache(const ParametrizationCache&) = delete;
  ParametrizationCache& operator=(const ParametrizationCache&) = delete;
};

namespace detail {

template <class Map>
concept Invertible = requires(Map& map, const Tensor& value) { map.right_inverse(value); };
template <class Map> consteval auto inverse_of() {
  if constexpr (Invertible<Map>)
    return std::type_identity<
        std::remove_cvref_t<decltype(std::declval<Map&>().right_inverse(std::declval<const Tensor&>()))>>();
  else
    return std::type_identity<Tensor>();
}
template <class Map> using Inverse = decltype(inverse_of<Map>())::type;
// How many tensors a map is a function of.
template <class Map> consteval std::size_t original_count() {
  if constexpr (std::same_as<Inverse<Map>, Tensor>)
    return 1;
  else
    return std::tuple_size_v<Inverse<Map>>;
}

// What does not depend on the layer and its maps, compiled once. `member` is "weight", `type` "Linear".
void check_parametrizable(const Parameter& p, std::string_view member, std::string_view type);
void check_same_kind(const Tensor& value, const Tensor& before, std::string_view member,
                     std::string_view map);
// The originals of a value: the layer's own parameter stays the parameter that it was if there is one.
void adopt(std::span<Parameter> originals, bool single, Parameter& own, std::span<const Tensor> inverse,
           std::string_view member);
// Errors: undefined or of other shapes or dtypes; nothing is changed then.
void assign(std::span<Parameter> originals, std::span<const Tensor> inverse, std::string_view member);
// The parameter that the layer has without the map.
Parameter baked(std::span<Parameter> originals, bool single, const Tensor& value);
[[noreturn]] void throw_not_invertible(std::string_view member, std::string_view map);
[[noreturn]] void throw_not_parametrized(std::string_view name, std::string_view type,
                                         const std::vector<std::string_view>& members);
// "ParametrizedConv2d" for a layer that says its type at run time. Kept for the whole program.
std::string_view parametrized_type(std::string_view layer);
// Null if no cache lives on this thread; else where the value for this original is, or is to be put.
Tensor* cached_value(const Tensor& original);
using Renames = std::vector<std::pair<std::string, std::string>>;
StateDict with_names(const StateDict& state, const Renames& renames);

}  // namespace detail

// The maps of one member, the first applied first, and what they are applied to (ParametrizationList):
// parametrizations.weight.original, or original0, original1... A map is a module whose forward takes the
// tensor and gives one of the same shape and dtype. It may also have
//   Tensor right_inverse(const Tensor& value);    // an original that is mapped to the value. With
//                                                 // std::array<Tensor, n> the map is a function of n
//                                                 tensors.
//                                                 // An undefined one: there is none.
//   void attach(const Tensor& value, std::string_view layer);   // called once, with the type of the layer
// Without right_inverse the original is what the layer's parameter was.
template <MemberName name, class... Maps> class On : public Module {
  static_assert(sizeof...(Maps) > 0, "nn::On<\"weight\", Map>: at least one map");
  using First = std::tuple_element_t<0, std::tuple<Maps...>>;
  static constexpr std::size_t count = sizeof...(Maps);

 public:
  static constexpr std::string_view member = name.view();
  // Whether there is one original, called so; else original0, original1...
  static constexpr bool is_tensor = std::same_as<detail::Inverse<First>, Tensor>;

  On() = default;
  On(Maps... maps)  // NOLINT(google-explicit-constructor): the map stands for the list of it alone
    requires(sizeof...(Maps) > 0)
      : maps(std::move(maps)...) {}

  std::array<Parameter, detail::original_count<First>()> originals;
  std::tuple<Maps...> maps;

  // What the maps make of the originals.
  Tensor value() {
    Tensor* cached = detail::cached_value(originals[0]);
    if (cached == nullptr) return compute();
    if (!cached->defined()) *cached = compute();
    return *cached;
  }
  // Takes the parameter of a layer.
  void adopt(Parameter& own, std::string_view layer) {
    detail::check_parametrizable(own, member, layer);
    const NoGrad no_grad;
    const Tensor before = own.detach();
    each_map([&](auto& map) {
      if constexpr (requires { map.attach(before, layer); }) map.attach(before, layer);
    });
    const auto inverse = invert(before, false);
    detail::adopt(originals, is_tensor, own, inverse, member);
    detail::check_same_kind(compute(), before, member, reflect::type_name<First>());
  }
  // Originals that are mapped to this value.
  void assign(const Tensor& value) {
    const NoGrad no_grad;
    detail::assign(originals, invert(value.detach(), true), member);
  }
  Parameter bake() {
    const NoGrad no_grad;
    return detail::baked(originals, is_tensor, value());
  }

  std::string_view printed_type() const { return "ParametrizationList"; }
  std::string extra_repr() const { return {}; }
  // As NN_MEMBERS, but the names are computed.
  constexpr auto mica_members() {
    return [this](auto&& fn) -> decltype(auto) { return list(*this, fn); };
  }
  constexpr auto mica_members() const {
    return [this](auto&& fn) -> decltype(auto) { return list(*this, fn); };
  }
  static constexpr std::string_view mica_member_list() { return detail::static_view<Names>(); }
  auto mica_members_of() const -> const On*;

  // Renames that load the state of PyTorch's older functions (weight_g, weight_orig...).
  static void add_old_names(detail::Renames& renames) {
    if constexpr (requires { First::old_names; }) {
      for (const auto& [old, present] : First::old_names)
        renames.emplace_back(std::string(member) + std::string(old),
                             "parametrizations." + std::string(member) + "." + std::string(present));
    }
  }

 private:
  struct Names {
    static constexpr void write(auto put) {
      constexpr std::string_view digits = "0123456789";
      put("original");
      if (!is_tensor) put("0");
      for (std::size_t i = 1; i < detail::original_count<First>(); ++i) {
        put(",original");
        put(digits.substr(i, 1));
      }
      for (std::size_t i = 0; i < count; ++i) {
        put(",");
        put(digits.substr(i, 1));
      }
    }
  };
  static_assert(count < 10 && detail::original_count<First>() < 10, "nn::On: at most nine");

  static decltype(auto) list(auto& self, auto& fn) {
    return std::apply(
        [&](auto&... originals) -> decltype(auto) {
          return std::apply([&](auto&... maps) -> decltype(auto) { return fn(originals..., maps...); },
                            self.maps);
        },
        self.originals);
  }
  void each_map(auto fn) {
    std::apply([&](auto&... map) { (fn(map), ...); }, maps);
  }

  template <std::size_t I = 1> Tensor rest(Tensor x) {
    if constexpr (I == count)
      return x;
    else
      return rest<I + 1>(std::get<I>(maps)(std::move(x)));
  }
  Tensor compute() {
    return rest(std::apply(
        [&](const auto&... original) -> Tensor {
          static_assert(
              requires { std::get<0>(maps)(static_cast<const Tensor&>(original)...); },
              "nn::On: forward of the first map takes as many tensors as its right_inverse returns; the "
              "others take and return one");
          return std::get<0>(maps)(static_cast<const Tensor&>(original)...);
        },
        originals));
  }

  // From the last map to the first. `strict`: all of them must have an inverse.
  template <std::size_t I = count> auto invert(const Tensor& value, bool strict) {
    using Map = std::tuple_element_t<I - 1, std::tuple<Maps...>>;
    auto& map = std::get<I - 1>(maps);
    if constexpr (!detail::Invertible<Map>) {
      if (strict) detail::throw_not_invertible(member, reflect::type_name<Map>());
      return before<I>(value, strict);
    } else if constexpr (std::same_as<detail::Inverse<Map>, Tensor>) {
      const Tensor inverse = map.right_inverse(value);
      if (inverse.defined()) return before<I>(inverse, strict);
      if (strict) detail::throw_not_invertible(member, reflect::type_name<Map>());
      return before<I>(value, strict);
    } else {
      static_assert(I == 1, "nn::On: only the first map may be a function of several tensors");
      return std::apply([](const auto&... x) { return std::array<Tensor, sizeof...(x)>{x...}; },
                        map.right_inverse(value));
    }
  }
  template <std::size_t I> auto before(const Tensor& value, bool strict) {
    if constexpr (I == 1)
      return std::array<Tensor, 1>{value};
    else
      return invert<I - 1>(value, strict);
  }
};

namespace detail {

// The member "parametrizations".
template <class... Lists> class ParametrizationDict : public Module {
 public:
  ParametrizationDict() = default;
  explicit ParametrizationDict(Lists... given)
    requires(sizeof...(Lists) > 0)
      : lists(std::move(given)...) {}
  std::tuple<Lists...> lists;

  std::string_view printed_type() const { return "ModuleDict"; }
  std::string extra_repr() const { return {}; }
  constexpr auto mica_members() {
    return [this](auto&& fn) -> decltype(auto) { return std::apply(fn, lists); };
  }
  constexpr auto mica_members() const {
    return [this](auto&& fn) -> decltype(auto) { return std::apply(fn, lists); };
  }
  static constexpr std::string_view mica_member_list() { return static_view<Names>(); }
  auto mica_members_of() const -> const ParametrizationDict*;

 private:
  struct Names {
    static constexpr void write(auto put) {
      bool first = true;
      ((put(std::exchange(first, false) ? "" : ","), put(Lists::member)), ...);
    }
  };
};

}  // namespace detail

// A layer some of whose parameters are functions of others. It is the layer in all but these members, which
// have a value only while it is called; value() gives it. Its own hooks run while the value is there.
// Parameters: those of the layer, then parametrizations.weight.original..., which remains the parameter that
// the weight was if there is one original. Calls from several threads wait for each other. The hooks that the
// layer had end when it is wrapped.
template <class Layer, class... Lists> class Parametrized : public Layer {
  static_assert(sizeof...(Lists) > 0 && (requires { Lists::member; } && ...),
                "nn::Parametrized<Layer, nn::On<\"weight\", Map>...>: which members, and their maps");
  static_assert(((detail::field_position<Layer>(Lists::member) < reflect::field_count<Layer>) && ...),
                "nn::Parametrized: the layer has no member of the name in nn::On");
  static_assert((detail::is_parameter_field<Layer, detail::field_position<Layer>(Lists::member)> && ...),
                "nn::Parametrized: the member named in nn::On is no nn::Parameter");

 public:
  // Errors: the member is absent or has no shape yet; a map changes its shape or dtype.
  explicit Parametrized(Layer layer) : Parametrized(std::move(layer), Lists()...) {}
  explicit Parametrized(Layer layer, Lists... lists)
      : Layer(std::move(layer)), parametrizations(std::move(lists)...) {
    // They were registered for another type.
    if (detail::modules_followed()) detail::follow_end(this);
    each_list([&](auto& list, Parameter& slot) {
      list.adopt(slot, layer_type());
      slot = detail::computed_later();
    });
  }

  detail::ParametrizationDict<Lists...> parametrizations;

  template <class Self, class... Args> decltype(auto) operator()(this Self& self, Args&&... args) {
    detail::Exchange<sizeof...(Lists)> exchange(self.lock_);
    self.compute([&](auto& list, Parameter& slot) { exchange.put(slot, list.value()); });
    return self.nn::Module::operator()(std::forward<Args>(args)...);
  }

  // The parameter as the layer has it, with its history: layer.weight in PyTorch. Errors: not parametrized.
  Tensor value(std::string_view name = first_member) {
    const detail::CallGuard guard(lock_);
    Tensor out;
    find(name, [&](auto& list) { out = list.value(); });
    return out;
  }
  // Makes value() this, by the inverses of the maps, in place (`layer.weight = value` in PyTorch). Errors:
  // not parametrized; a map without right_inverse; another shape.
  void assign(const Tensor& value, std::string_view name = first_member) {
    const detail::CallGuard guard(lock_);
    find(name, [&](auto& list) { list.assign(value); });
  }
  static constexpr bool is_parametrized(std::string_view name = first_member) {
    return ((name == Lists::member) || ...);
  }
  // The layer with the present values as its parameters: the original if there is one, so that optimizers
  // go on working (torch.nn.utils.parametrize.remove_parametrizations). Hooks end.
  Layer remove() && {
    each_list([](auto& list, Parameter& slot) { slot = list.bake(); });
    Layer out(std::move(static_cast<Layer&>(*this)));
    if (detail::modules_followed()) detail::follow_end(&out);
    return out;
  }
  // That of the layer; the members in question take its new values by the inverses of the maps.
  void reset_parameters()
    requires requires(Layer& layer) { layer.reset_parameters(); }
  {
    std::array<Tensor, sizeof...(Lists)> fresh;
    {
      detail::Exchange<sizeof...(Lists)> exchange(lock_);
      const NoGrad no_grad;
      std::size_t i = 0;
      compute([&](auto& list, Parameter& slot) {
        fresh[i] = list.value().clone();
        exchange.put(slot, fresh[i++]);
      });
      Layer::reset_parameters();
    }
    std::size_t i = 0;
    each_list([&](auto& list, Parameter&) { list.assign(fresh[i++]); });
  }

  std::string_view printed_type() const {
    if constexpr (requires(const Layer& layer) { layer.printed_type(); })
      return detail::parametrized_type(layer_type());
    else
      return detail::static_view<Type>();
  }
  // The members of the layer without those that are computed, then parametrizations.
  constexpr auto mica_members() {
    return [this](auto&& fn) -> decltype(auto) {
      return list(static_cast<Layer&>(*this), parametrizations, fn);
    };
  }
  constexpr auto mica_members() const {
    return [this](auto&& fn) -> decltype(auto) {
      return list(static_cast<const Layer&>(*this), parametrizations, fn);
    };
  }
  static constexpr std::string_view mica_member_list() { return detail::static_view<Names>(); }
  auto mica_members_of() const -> const Parametrized*;

  // Files of PyTorch's older functions load: weight_g is parametrizations.weight.original0 here.
  static constexpr int version = detail::evolution<Layer>().version;
  static StateDict migrate(const StateDict& state, int saved) {
    detail::Renames renames;
    (Lists::add_old_names(renames), ...);
    StateDict out = detail::with_names(state, renames);
    if constexpr (detail::Migrates<Layer>) return Layer::migrate(out, saved);
    return out;
  }

 private:
  friend Module;
  // For clone().
  Parametrized() : Layer(detail::make_empty<Layer>()) {
    each_list([](auto&, Parameter& slot) { slot = detail::computed_later(); });
  }

  static constexpr std::string_view first_member = std::get<0>(std::tuple{Lists::member...});
  struct Names {
    static constexpr void write(auto put) {
      for (const std::string_view name : reflect::field_names<Layer>()) {
        if (is_parametrized(name)) continue;
        put(name);
        put(",");
      }
      put("parametrizations");
    }
  };
  struct Type {
    static constexpr void write(auto put) {
      put("Parametrized");
      put(reflect::type_name<Layer>());
    }
  };

  std::string_view layer_type() const { return detail::type_of(static_cast<const Layer&>(*this)); }

  static decltype(auto) list(auto& layer, auto& parametrizations, auto& fn) {
    constexpr auto kept = [] {
      std::array<std::size_t, reflect::field_count<Layer> - sizeof...(Lists)> out{};
      std::size_t n = 0;
      for (std::size_t i = 0; i < reflect::field_count<Layer>; ++i) {
        if (!is_parametrized(reflect::field_names<Layer>()[i])) out[n++] = i;
      }
      return out;
    }();
    return reflect::apply_fields(layer, [&](auto&... fields) -> decltype(auto) {
      const auto all = std::tie(fields...);
      return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
        return fn(std::get<kept[I]>(all)..., parametrizations);
      }(std::make_index_sequence<kept.size()>());
    });
  }

  // fn(list, the member of the layer).
  void each_list(auto fn) {
    Layer& layer = *this;
    std::apply(
        [&](auto&... list) {
          (fn(list, detail::field_at<detail::field_position<Layer>(
                        std::remove_reference_t<decltype(list)>::member)>(layer)),
           ...);
        },
        parametrizations.lists);
  }
  // The same; an error learns that it was here.
  void compute(auto fn) {
    try {
      each_list(fn);
    } catch (Error& error) {
      detail::trace(error, ModuleRef(*this));
      throw;
    }
  }
  void find(std::string_view name, auto fn) {
    if (!is_parametrized(name)) detail::throw_not_parametrized(name, layer_type(), {Lists::member...});
    compute([&](auto& list, Parameter&) {
      if (std::remove_reference_t<decltype(list)>::member == name) fn(list);
    });
  }

  detail::CallLock lock_;
};

}  // namespace mica::nn
