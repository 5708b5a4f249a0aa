// What operations that change a tensor share: they keep the change from making gradients wrong.
//
// A recorded change makes the tensor the result of the operation: its history is the new node, whose input is
// the history it had before. So an operation in place goes
//
//   const bool tracked = ops::check_in_place("foo_", x, source);
//   const Tensor before = tracked ? ops::history_of(x) : Tensor();
//   ...write into x...
//   ops::mark_changed("foo_", x, tracked);
//   if (tracked) autograd::record("foo_", x, {&before, &source}, backward);
//
// or, where a copy does not matter, is the operation that is not in place and ops::replace.
#pragma once

#include <utility>

#include <mica/autograd/node.h>
#include <mica/tensor/tensor.h>

namespace mica::ops {

// Errors: x is a leaf that requires a gradient, or a view, while a change of it must be recorded.
void check_recordable_change(const char* operation, const Tensor& x);

// Called before a change of x that depends on the sources. Returns whether it must be recorded.
template <class... T> bool check_in_place(const char* operation, const Tensor& x, const T&... sources) {
  const TensorImpl& impl = x.checked_impl();
  if (!autograd::grad_enabled()) return false;
  const bool tracked =
      (static_cast<int>(autograd::recording(sources)) | ... | static_cast<int>(impl.needs_grad())) != 0;
  if (tracked) check_recordable_change(operation, x);
  return tracked;
}

// Called before a change. Errors: elements of x share memory (it was expanded).
void check_no_overlap(const char* operation, const Tensor& x);
// The same, and: a result of these sizes and this dtype does not fit into x, whose shape cannot grow and
// whose kind (boolean, integer, floating) cannot change.
void check_result(const char* operation, const Tensor& x, const Shape& sizes, DType type);

// Called after a change: saved copies and, if the change was recorded, earlier views are stale now.
void mark_changed(const char* operation, const Tensor& x, bool recorded);

// y, with the history of x.
Tensor with_history(Tensor y, const Tensor& x);
// A handle with the history that x had before the change, for the edges of the new node.
Tensor history_of(const Tensor& x);
// The same with a copy of the numbers, for operations whose gradient needs the old ones.
Tensor copy_with_history(const Tensor& x);

// x becomes y, numbers and (if tracked) history. Errors: y does not fit into x.
void assign(const char* operation, Tensor& x, const Tensor& y, bool tracked);

// x becomes f(x, sources...), with f an operation that is not in place.
template <class F, class... T> Tensor& replace(const char* operation, Tensor& x, F&& f, const T&... sources) {
  const bool tracked = check_in_place(operation, x, sources...);
  // What f keeps for its gradient must survive the change.
  const auto kept = [&](const Tensor& source) {
    return tracked && source.shares_storage(x) ? source.clone() : source;
  };
  const Tensor y = std::forward<F>(f)(tracked ? copy_with_history(x) : x.detach(), kept(sources)...);
  assign(operation, x, y, tracked);
  return x;
}

}  // namespace mica::ops
