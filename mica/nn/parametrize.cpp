#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/nn/parametrize.h>

namespace mica::nn {

namespace {

// By the first original. The handle keeps it from being taken for a newer one at the same address.
struct Cached {
  Tensor original, value;
};
struct Cache {
  int scopes = 0;
  std::unordered_map<const TensorImpl*, Cached> values;
};
Cache& cache() {
  thread_local Cache cache;
  return cache;
}

}  // namespace

ParametrizationCache::ParametrizationCache() { ++cache().scopes; }
ParametrizationCache::~ParametrizationCache() {
  if (--cache().scopes == 0) cache().values.clear();
}

namespace detail {

struct CallLock::Mutex {
  std::recursive_mutex mutex;
};
CallLock::CallLock() : mutex_(new Mutex()) {}
CallLock::~CallLock() = default;
void CallLock::lock() { mutex_->mutex.lock(); }
void CallLock::unlock() { mutex_->mutex.unlock(); }

Tensor* cached_value(const Tensor& original) {
  Cache& c = cache();
  if (c.scopes == 0 || !original.defined()) return nullptr;
  Cached& entry = c.values[original.impl().get()];
  entry.original = original;
  return &entry.value;
}

std::string_view parametrized_type(std::string_view layer) {
  static std::mutex mutex;
  static std::map<std::string, std::string, std::less<>> names;
  const std::lock_guard guard(mutex);
  auto found = names.find(layer);
  if (found == names.end()) found = names.emplace(layer, fmt::format("Parametrized{}", layer)).first;
  return found->second;
}

void check_parametrizable(const Parameter& p, std::string_view member, std::string_view type) {
  if (p.is_uninitialized()) throw_uninitialized("Parametrized", member, p);
  if (!p.defined()) {
    throw Error("Parametrized", fmt::format("this {} has no {}", type, member),
                "a layer made without it (bias = false) has nothing to parametrize");
  }
}

void check_same_kind(const Tensor& value, const Tensor& before, std::string_view member,
                     std::string_view map) {
  if (!value.defined()) throw Error("Parametrized", fmt::format("{} returned an undefined tensor", map));
  if (value.sizes() == before.sizes() && value.dtype() == before.dtype()) return;
  throw Error(
      "Parametrized",
      fmt::format("{} makes {} {} {}, which was {} {}", map, member, name(value.dtype()),
                  mica::to_string(value.sizes()), name(before.dtype()), mica::to_string(before.sizes())),
      "a map keeps the shape and the dtype of what it is put on");
}

void adopt(std::span<Parameter> originals, bool single, Parameter& own, std::span<const Tensor> inverse,
           std::string_view member) {
  for (const Tensor& x : inverse) {
    if (!x.defined()) throw Error("Parametrized", fmt::format("right_inverse of {} is undefined", member));
  }
  if (single) {
    if (inverse[0].dtype() != own.dtype()) {
      throw Error("Parametrized", fmt::format("right_inverse makes {} of {}, which is {}",
                                              name(inverse[0].dtype()), member, name(own.dtype())));
    }
    replace_memory(own, inverse[0], "Parametrized");
    originals[0] = std::move(own);
    return;
  }
  for (std::size_t i = 0; i < originals.size(); ++i)
    originals[i] = Parameter(inverse[i], own.requires_grad());
}

void assign(std::span<Parameter> originals, std::span<const Tensor> inverse, std::string_view member) {
  for (std::size_t i = 0; i < originals.size(); ++i) {
    const Tensor& x = inverse[i];
    if (x.defined() && x.sizes() == originals[i].sizes() && x.dtype() == originals[i].dtype()) continue;
    throw Error("assign",
                fmt::format("the value gives {} an original of {}, and it has one of {} {}", member,
                            x.defined() ? fmt::format("{} {}", name(x.dtype()), mica::to_string(x.sizes()))
                                        : "nothing",
                            name(originals[i].dtype()), mica::to_string(originals[i].sizes())));
  }
  for (std::size_t i = 0; i < originals.size(); ++i) originals[i].copy_(inverse[i]);
}

Parameter baked(std::span<Parameter> originals, bool single, const Tensor& value) {
  // A map may return its argument, or a view of something that stays.
  const Tensor own = value.clone().contiguous();
  if (!single) {
    bool learned = false;
    for (const Parameter& p : originals) learned = learned || p.requires_grad();
    return Parameter(own, learned);
  }
  replace_memory(originals[0], own, "remove");
  return std::move(originals[0]);
}

void throw_not_invertible(std::string_view member, std::string_view map) {
  throw Error("assign", fmt::format("{} has no inverse that would give {} this value", map, member),
              "give the map `Tensor right_inverse(const Tensor& value)`");
}

void throw_not_parametrized(std::string_view name, std::string_view type,
                            const std::vector<std::string_view>& members) {
  throw Error("Parametrized", fmt::format("\"{}\" of this {} is not parametrized", name, type),
              fmt::format("what is: {}", fmt::join(members, ", ")));
}

StateDict with_names(const StateDict& state, const Renames& renames) {
  StateDict out;
  for (const auto& [name, tensor] : state) {
    const auto it = std::ranges::find(renames, name, &Renames::value_type::first);
    out.insert(it != renames.end() ? it->second : name, tensor);
  }
  return out;
}

}  // namespace detail
}  // namespace mica::nn
