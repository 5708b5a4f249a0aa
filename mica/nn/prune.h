// Layers with some of their weights held at zero (torch.nn.utils.prune).
//
//   nn::Pruned<nn::Linear> fc{nn::Linear{8, 4}};             // any of its parameters may be pruned
//   nn::prune::l1_unstructured(fc, "weight", 0.3);           // the 30 % nearest to zero
//   nn::prune::l1_unstructured(fc, "weight", 0.5);           // half of what is left
//   ...                                                      // training moves the others
//   nn::prune::remove(fc, "weight");                         // a plain weight with zeros
//
// A pruned weight is the product of a parameter weight_orig and a buffer weight_mask, as in PyTorch, whose
// files of pruned models load once the same members are pruned (prune::identity).
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mica/nn/reparametrize.h>

namespace mica::nn {

template <class Layer> class Pruned;

namespace prune {

// How much to prune: a fraction, 0.3, of what is not pruned yet, rounded (halves to even), or a number of
// elements or channels, 3.
class Amount {
 public:
  Amount(std::floating_point auto fraction)  // NOLINT(google-explicit-constructor): l1_unstructured(.., 0.3)
      : value_(static_cast<double>(fraction)), is_count_(false) {
    check();
  }
  Amount(std::integral auto count)  // NOLINT(google-explicit-constructor)
      : value_(static_cast<double>(count)), is_count_(true) {
    check();
  }
  // Of so many. Errors: a count above it.
  std::int64_t of(std::int64_t size) const;

 private:
  // Errors: a fraction outside [0, 1], a negative count.
  void check() const;
  double value_;
  bool is_count_;
};

// Decides what to prune (PyTorch's BasePruningMethod): derive from it for a method of your own.
class Method {
 public:
  // What a mask is computed of where something is pruned already: the elements that are left, in one
  // dimension; the channels that are left, along dim(); or all.
  enum class Kind : std::uint8_t { unstructured, structured, global };
  virtual ~Method() = default;
  virtual Kind kind() const = 0;
  virtual std::int64_t dim() const { return -1; }
  // Ones for what stays, in the shape and dtype of the mask so far. `scores`: the values, or what stands for
  // their importance.
  virtual Tensor compute_mask(const Tensor& scores, const Tensor& mask) const = 0;
};

// Nothing, but the names are those of a pruned member.
class Identity final : public Method {
 public:
  Kind kind() const override { return Kind::unstructured; }
  Tensor compute_mask(const Tensor&, const Tensor& mask) const override { return mask; }
};
// Elements at random. The same seed prunes what PyTorch prunes.
class RandomUnstructured final : public Method {
 public:
  explicit RandomUnstructured(Amount amount) : amount_(amount) {}
  Kind kind() const override { return Kind::unstructured; }
  Tensor compute_mask(const Tensor& scores, const Tensor& mask) const override;

 private:
  Amount amount_;
};
// The elements of least magnitude; of equal ones the first.
class L1Unstructured final : public Method {
 public:
  explicit L1Unstructured(Amount amount) : amount_(amount) {}
  Kind kind() const override { return Kind::unstructured; }
  Tensor compute_mask(const Tensor& scores, const Tensor& mask) const override;

 private:
  Amount amount_;
};
// Channels, the slices along `dim`, at random. Errors, as with LnStructured: no such dimension; a vector.
class RandomStructured final : public Method {
 public:
  explicit RandomStructured(Amount amount, std::int64_t dim = -1) : amount_(amount), dim_(dim) {}
  Kind kind() const override { return Kind::structured; }
  std::int64_t dim() const override { return dim_; }
  Tensor compute_mask(const Tensor& scores, const Tensor& mask) const override;

 private:
  Amount amount_;
  std::int64_t dim_;
};
// The channels of least n-norm.
class LnStructured final : public Method {
 public:
  LnStructured(Amount amount, double n, std::int64_t dim = -1) : amount_(amount), n_(n), dim_(dim) {}
  Kind kind() const override { return Kind::structured; }
  std::int64_t dim() const override { return dim_; }
  Tensor compute_mask(const Tensor& scores, const Tensor& mask) const override;

 private:
  Amount amount_;
  double n_;
  std::int64_t dim_;
};
// What a given mask says, of the shape of the member.
class CustomFromMask final : public Method {
 public:
  explicit CustomFromMask(Tensor mask) : mask_(std::move(mask)) {}
  Kind kind() const override { return Kind::global; }
  Tensor compute_mask(const Tensor& scores, const Tensor& mask) const override;

 private:
  Tensor mask_;
};

// A parameter of a layer, and what takes its place when it is pruned.
struct Member {
  std::string_view name;
  Parameter* own;
  Parameter* original;
  Buffer* mask;
  bool is_pruned() const { return mask->defined(); }
  // The parameter, or its product with the mask.
  Tensor value() const;
};

// A Pruned layer, whatever the layer.
class Prunable {
 public:
  template <class Layer>
  Prunable(Pruned<Layer>& layer)  // NOLINT(google-explicit-constructor): what functions here take
      : module_(layer),
        members_([](void* self) { return static_cast<Pruned<Layer>*>(self)->prunable_members(); }),
        names_(&layer.pruned) {}
  std::string_view type() const { return module_.type(); }
  // Errors: no parameter of that name, or an absent one.
  Member member(std::string_view name) const;
  // The names of what is pruned.
  std::vector<std::string>& pruned() const { return *names_; }

 private:
  ModuleRef module_;
  std::vector<Member> (*members_)(void*);
  std::vector<std::string>* names_;
};

// Prunes a member by a method, on top of what is pruned already. importance_scores, of the member's shape,
// stand for its values. Nothing is changed if it throws.
void apply(const Prunable& layer, std::string_view name, const Method& method,
           const Tensor& importance_scores = {});

inline void identity(const Prunable& layer, std::string_view name) { apply(layer, name, Identity()); }
inline void random_unstructured(const Prunable& layer, std::string_view name, Amount amount) {
  apply(layer, name, RandomUnstructured(amount));
}
inline void l1_unstructured(const Prunable& layer, std::string_view name, Amount amount,
                            const Tensor& importance_scores = {}) {
  apply(layer, name, L1Unstructured(amount), importance_scores);
}
inline void random_structured(const Prunable& layer, std::string_view name, Amount amount, std::int64_t dim) {
  apply(layer, name, RandomStructured(amount, dim));
}
inline void ln_structured(const Prunable& layer, std::string_view name, Amount amount, double n,
                          std::int64_t dim, const Tensor& importance_scores = {}) {
  apply(layer, name, LnStructured(amount, n, dim), importance_scores);
}
inline void custom_from_mask(const Prunable& layer, std::string_view name, const Tensor& mask) {
  apply(layer, name, CustomFromMask(mask));
}

struct GlobalMember {
  Prunable layer;
  std::string_view name = "weight";
  Tensor importance_scores = {};
};
// Prunes several members as if they were one: nn::prune::global_unstructured({{net.a}, {net.b, "bias"}},
// nn::prune::L1Unstructured(0.2)). Errors: a method that is not unstructured; different dtypes.
void global_unstructured(const std::vector<GlobalMember>& members, const Method& method);

// Makes the pruned value the member, which stays the parameter that the original was. Errors: not pruned.
void remove(const Prunable& layer, std::string_view name);

// Whether anything inside is pruned.
bool is_pruned(const ModuleRef& module);

}  // namespace prune

// A layer whose parameters may be pruned, one by one, by the functions above; until then, and in how it
// prints, it is the layer. A pruned parameter has a value only while the layer is called; value() gives it.
// Calls from several threads wait for each other. The hooks that the layer had end when it is wrapped.
template <class Layer> class Pruned : public Layer {
  static constexpr std::size_t field_count = reflect::field_count<Layer>;
  // The position of each field among the parameters; for others, their number at the end.
  static constexpr auto ranks = []<std::size_t... I>(std::index_sequence<I...>) {
    std::array<std::size_t, field_count + 1> out{};
    std::size_t n = 0;
    ((out[I] = n, n += detail::is_parameter_field<Layer, I> ? 1 : 0), ...);
    out[field_count] = n;
    return out;
  }(std::make_index_sequence<field_count>());
  static constexpr std::size_t count = ranks[field_count];
  static_assert(count > 0, "nn::Pruned: the layer has no nn::Parameter of its own to prune");

 public:
  explicit Pruned(Layer layer) : Layer(std::move(layer)) {
    if (detail::modules_followed()) detail::follow_end(this);  // they were registered for another type
  }

  std::vector<std::string> pruned;  // names, for rebuild

  template <class Self, class... Args> decltype(auto) operator()(this Self& self, Args&&... args) {
    detail::Exchange<count> exchange(self.lock_);
    self.each_member([&](const prune::Member& m) {
      if (m.is_pruned()) exchange.put(*m.own, m.value());
    });
    return self.nn::Module::operator()(std::forward<Args>(args)...);
  }

  // A parameter as the layer has it, with its history. Errors: no such parameter.
  Tensor value(std::string_view name = "weight") { return prune::Prunable(*this).member(name).value(); }
  // The layer with what is pruned as plain parameters. Hooks end.
  Layer remove() && {
    while (!pruned.empty()) prune::remove(*this, std::string(pruned.back()));
    Layer out(std::move(static_cast<Layer&>(*this)));
    if (detail::modules_followed()) detail::follow_end(&out);
    return out;
  }

  std::vector<prune::Member> prunable_members() {
    std::vector<prune::Member> out;
    out.reserve(count);
    each_member([&](const prune::Member& m) { out.push_back(m); });
    return out;
  }
  // Prunes what a file says, before that is loaded.
  void refit(const Plain& fields) {
    detail::Misfit misfit;
    const Plain& names = detail::read_entry(fields, "pruned", misfit);
    if (misfit.found()) return;
    for (const std::string& member : detail::from_plain<std::vector<std::string>>(names, misfit))
      prune::identity(*this, member);
  }

  std::string_view printed_type() const { return detail::type_of(static_cast<const Layer&>(*this)); }
  // The members of the layer, those that are pruned absent; weight_orig... and weight_mask...; pruned.
  constexpr auto mica_members() {
    return [this](auto&& fn) -> decltype(auto) { return list(*this, static_cast<Layer&>(*this), fn); };
  }
  constexpr auto mica_members() const {
    return [this](auto&& fn) -> decltype(auto) { return list(*this, static_cast<const Layer&>(*this), fn); };
  }
  static constexpr std::string_view mica_member_list() { return detail::static_view<Names>(); }
  auto mica_members_of() const -> const Pruned*;

 private:
  friend Module;
  // For clone().
  Pruned() : Layer(detail::make_empty<Layer>()) {}

  struct Names {
    static constexpr void write(auto put) {
      constexpr auto& names = reflect::field_names<Layer>();
      for (const std::string_view name : names) {
        put(name);
        put(",");
      }
      for (const std::string_view suffix : {"_orig,", "_mask,"}) {
        for (std::size_t i = 0; i < field_count; ++i) {
          if (ranks[i] == ranks[i + 1]) continue;
          put(names[i]);
          put(suffix);
        }
      }
      put("pruned");
    }
  };

  template <std::size_t I> static auto& shown(auto& self, auto& field) {
    if constexpr (detail::is_parameter_field<Layer, I>)
      return self.masks_[ranks[I]].defined() ? self.absent_ : field;
    else
      return field;
  }
  static decltype(auto) list(auto& self, auto& layer, auto& fn) {
    return reflect::apply_fields(layer, [&](auto&... fields) -> decltype(auto) {
      const auto all = std::tie(fields...);
      return [&]<std::size_t... I, std::size_t... P>(std::index_sequence<I...>,
                                                     std::index_sequence<P...>) -> decltype(auto) {
        return fn(shown<I>(self, std::get<I>(all))..., self.originals_[P]..., self.masks_[P]..., self.pruned);
      }(std::make_index_sequence<field_count>(), std::make_index_sequence<count>());
    });
  }
  void each_member(auto fn) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (
          [&] {
            if constexpr (detail::is_parameter_field<Layer, I>)
              fn(prune::Member{reflect::field_name<Layer, I>,
                               &detail::field_at<I>(static_cast<Layer&>(*this)), &originals_[ranks[I]],
                               &masks_[ranks[I]]});
          }(),
          ...);
    }(std::make_index_sequence<field_count>());
  }

  std::array<Parameter, count> originals_;
  std::array<Buffer, count> masks_;
  Parameter absent_;  // shown instead of what is pruned, which is there during a call
  detail::CallLock lock_;
};

}  // namespace mica::nn
