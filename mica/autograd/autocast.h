// Mixed precision: products in bf16, the rest where it belongs, the weights in f32.
#pragma once

#include <mica/core/dtype.h>
#include <mica/tensor/tensor.h>

namespace mica {

struct AutocastOptions {
  bool enabled = true;        // false: a scope of ordinary rules inside
  DType dtype = bf16;         // of products; only bf16
  bool cache_enabled = true;  // false: parameters are converted at every use
};

// In its scope, operations of the current thread choose the dtype that they compute in
// (torch.autocast("cpu")):
//
//   Tensor loss;
//   {
//     Autocast autocast;
//     loss = cross_entropy(model(x), target);
//   }
//   loss.backward();
//
// - Products take bf16 and give bf16: linear, matmul, mm, bmm, addmm, baddbmm, einsum, tensordot,
//   convolutions and transposed ones, scaled_dot_product_attention, prelu.
// - What needs range takes f32 and gives f32: losses, prod, quantile, cdist, linalg, pooling in three
//   dimensions, unpooling, fractional_max_pool, grid_sample, padding by reflection and replication.
// - Recurrent layers run in f32. LSTM and GRU give the dtype of their state (the input's where none is
//   given), RNN bf16.
// - All others go by the dtypes they are given; of f32 with bf16 they make f32, as always.
//
// Only bf16, f16 and f32 are converted; f64, integers and operations in place stay as they are. Gradients
// have the dtype of what they belong to: f32 for weights of f32, so an optimizer needs to know nothing of it.
// A pass back runs outside the scope, even if backward() is called inside: in the dtypes that forward chose.
//
// Scopes nest, end with an exception too, and hold for the thread that opened them alone: a thread started
// inside has none. A parameter, that is a leaf of f32 that requires a gradient, is converted once for the
// outermost scope and again after a change in place. Writes through data() are no such change: clear_cache()
// after them.
//
// Errors: a dtype other than bf16.
class Autocast {
 public:
  explicit Autocast(const AutocastOptions& options = {});
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

  // Forgets the converted parameters of this thread (torch.clear_autocast_cache).
  static void clear_cache();

 private:
  AutocastOptions previous_;
};

namespace autograd {

// What holds in the current thread.
AutocastOptions autocast_options();

namespace detail {
extern constinit thread_local bool autocast_on;
}
inline bool autocast_enabled() { return detail::autocast_on; }

// Operations inside take the dtypes they are given: the inside of an operation that has chosen, or a pass
// back.
class NoAutocast {
 public:
  NoAutocast() : previous_(detail::autocast_on) { detail::autocast_on = false; }
  ~NoAutocast() { detail::autocast_on = previous_; }
  NoAutocast(const NoAutocast&) = delete;
  NoAutocast& operator=(const NoAutocast&) = delete;

 private:
  bool previous_;
};

// x as bf16 or f32, with history, from the cache if it is a parameter. Itself where it is undefined, f64 or
// no floating point.
Tensor autocast(const Tensor& x, DType dtype);

}  // namespace autograd
}  // namespace mica
