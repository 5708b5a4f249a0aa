// Clearing up after a backward pass. For the library's own sources.
#pragma once

#include <vector>

#include <mica/core/any_function.h>

namespace mica::autograd {

// Runs fn, which must not throw, when the innermost backward pass on this thread ends, also by an exception.
// Errors: there is no pass.
void after_pass(AnyFunction<void()> fn);

// Alive while a pass runs.
class PassScope {
 public:
  PassScope();
  ~PassScope();
  PassScope(const PassScope&) = delete;
  PassScope& operator=(const PassScope&) = delete;

 private:
  friend void after_pass(AnyFunction<void()> fn);
  PassScope* outer_;
  std::vector<AnyFunction<void()>> fns_;
};

}  // namespace mica::autograd
