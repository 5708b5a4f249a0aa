// Trying a model out without leaving a trace.
#pragma once

#include <mica/core/owned.h>
#include <mica/core/random.h>
#include <mica/nn/module_ref.h>

namespace mica::nn::detail {

// At the end of its scope a model has the modes, buffers and bare tensors that it had at the beginning, and
// the default generator goes on where it was. Memory that was changed in place gets its numbers back.
class Preserve {
 public:
  explicit Preserve(const ModuleRef& model);
  ~Preserve();
  Preserve(const Preserve&) = delete;
  Preserve& operator=(const Preserve&) = delete;

 private:
  struct State;
  ModuleRef model_;
  Owned<State> state_;
  Generator generator_;
};

}  // namespace mica::nn::detail
