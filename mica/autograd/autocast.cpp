#include <cstdint>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <mica/autograd/autocast.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>

namespace mica {

namespace autograd {

namespace detail {
constinit thread_local bool autocast_on = false;
}

namespace {

// Values without history: each use records its own way back to the parameter. So a pass that frees its graph,
// or a use under NoGrad, leaves nothing behind for the next one, and gradients of several uses are added in
// f32.
struct Converted {
  Tensor source;         // keeps the address taken
  Ref<Storage> storage;  // as it was then: a parameter may be given another
  std::uint32_t version = 0;
  Shape sizes, strides;
  std::int64_t offset = 0;
  Tensor value;

  bool is_current(const TensorImpl& impl) const {
    return impl.storage.get() == storage.get() && impl.offset == offset && impl.sizes == sizes &&
           impl.strides == strides && storage->version.load(std::memory_order_relaxed) == version;
  }
};

struct State {
  bool caches = true;
  int depth = 0;
  std::unordered_map<const TensorImpl*, Converted> cache;
};
thread_local State state;

// Its numbers as ordinary ones: the scope may go on outside an InferenceMode that it met first.
Tensor converted_value(const Tensor& x, DType dtype) {
  const InferenceMode ordinary(false);
  const NoGrad no_grad;
  return x.to(dtype);
}

Tensor cached_value(const Tensor& x, DType dtype) {
  const TensorImpl& impl = *x.impl();
  Converted& entry = state.cache[&impl];
  if (!entry.value.defined() || !entry.is_current(impl)) {
    entry = {};
    entry = {x,
             impl.storage,
             impl.storage->version.load(std::memory_order_relaxed),
             impl.sizes,
             impl.strides,
             impl.offset,
             converted_value(x, dtype)};
  }
  return entry.value;
}

}  // namespace

AutocastOptions autocast_options() { return {.enabled = detail::autocast_on, .cache_enabled = state.caches}; }

Tensor autocast(const Tensor& x, DType dtype) {
  if (!x.defined() || x.dtype() == dtype || x.dtype() == f64 || !x.is_floating_point()) return x;
  const TensorImpl& impl = *x.impl();
  const bool is_parameter =
      impl.dtype == f32 && impl.requires_grad && !impl.is_view && !impl.storage->inference;
  if (!is_parameter || !state.caches || state.depth == 0) return x.to(dtype);
  Tensor y = cached_value(x, dtype).detach();
  if (!recording(x)) return y;
  // The engine converts the gradient to f32.
  return record("autocast", std::move(y), {&x}, [](const Node&, const Tensor& grad) { return grad; });
}

}  // namespace autograd

using autograd::state;

Autocast::Autocast(const AutocastOptions& options) : previous_(autograd::autocast_options()) {
  if (options.dtype != bf16) {
    throw Error("Autocast", fmt::format("dtype {}", name(options.dtype)),
                "bf16 is the one that needs no scaling of gradients; convert by hand with to() for others");
  }
  autograd::detail::autocast_on = options.enabled;
  state.caches = options.cache_enabled;
  ++state.depth;
}

Autocast::~Autocast() {
  autograd::detail::autocast_on = previous_.enabled;
  state.caches = previous_.cache_enabled;
  if (--state.depth == 0) clear_cache();
}

void Autocast::clear_cache() { state.cache.clear(); }

}  // namespace mica
