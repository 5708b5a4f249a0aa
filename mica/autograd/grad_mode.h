// Whether operations are recorded, per thread.
#pragma once

namespace mica {

namespace autograd {
bool grad_enabled();
void set_grad_enabled(bool on);
}  // namespace autograd

// Turns recording off (NoGrad) or on (EnableGrad) for the current thread until the end of the scope.
class NoGrad {
 public:
  NoGrad() : previous_(autograd::grad_enabled()) { autograd::set_grad_enabled(false); }
  ~NoGrad() { autograd::set_grad_enabled(previous_); }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};

class EnableGrad {
 public:
  EnableGrad() : previous_(autograd::grad_enabled()) { autograd::set_grad_enabled(true); }
  ~EnableGrad() { autograd::set_grad_enabled(previous_); }
  EnableGrad(const EnableGrad&) = delete;
  EnableGrad& operator=(const EnableGrad&) = delete;

 private:
  bool previous_;
};

}  // namespace mica
