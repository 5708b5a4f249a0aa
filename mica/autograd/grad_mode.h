// Whether operations are recorded, and how carefully: guards that hold for the current thread until the end
// of their scope.
#pragma once

namespace mica {

namespace autograd {
// Recording is on, and InferenceMode is off.
bool grad_enabled();
void set_grad_enabled(bool on);
bool anomaly_enabled();
void set_anomaly_enabled(bool on);
}  // namespace autograd

// Turns recording off.
class NoGrad {
 public:
  NoGrad() : previous_(autograd::grad_enabled()) { autograd::set_grad_enabled(false); }
  ~NoGrad() { autograd::set_grad_enabled(previous_); }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};

// Turns recording on, except under InferenceMode.
class EnableGrad {
 public:
  EnableGrad() : previous_(autograd::grad_enabled()) { autograd::set_grad_enabled(true); }
  ~EnableGrad() { autograd::set_grad_enabled(previous_); }
  EnableGrad(const EnableGrad&) = delete;
  EnableGrad& operator=(const EnableGrad&) = delete;

 private:
  bool previous_;
};

// Records nothing, and tensors made in its scope do not count their changes in place: for programs that only
// predict (torch.inference_mode). Such tensors may be used outside, but an operation that would keep one for
// its backward throws: clone() it there. InferenceMode(false) is a scope of ordinary rules inside.
class InferenceMode {
 public:
  explicit InferenceMode(bool on = true);
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;

 private:
  bool previous_mode_, previous_recording_;
};

// Finds where NaN comes from (torch.autograd.detect_anomaly): operations remember the module whose forward
// recorded them, and a backward pass throws at the first operation that gives a NaN gradient, naming it, the
// module's path and the input. Both forward and backward must run in its scope. Slow; for debugging.
class Anomaly {
 public:
  explicit Anomaly(bool on = true) : previous_(autograd::anomaly_enabled()) {
    autograd::set_anomaly_enabled(on);
  }
  ~Anomaly() { autograd::set_anomaly_enabled(previous_); }
  Anomaly(const Anomaly&) = delete;
  Anomaly& operator=(const Anomaly&) = delete;

 private:
  bool previous_;
};

}  // namespace mica
