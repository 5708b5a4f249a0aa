#include <utility>

#include <mica/autograd/after_pass.h>
#include <mica/core/error.h>

namespace mica::autograd {

namespace {
thread_local PassScope* innermost = nullptr;
}  // namespace

PassScope::PassScope() : outer_(std::exchange(innermost, this)) {}

PassScope::~PassScope() {
  innermost = outer_;
  for (const auto& fn : fns_) fn();
}

void after_pass(AnyFunction<void()> fn) {
  if (innermost == nullptr) throw Error("after_pass", "no backward pass runs on this thread");
  innermost->fns_.push_back(std::move(fn));
}

}  // namespace mica::autograd
