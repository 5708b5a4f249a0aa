#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/tensor/storage.h>

namespace mica {

namespace autograd {

namespace {
thread_local bool recording_enabled = true;
thread_local bool anomaly = false;
thread_local const ForwardScope* innermost = nullptr;
}  // namespace

bool grad_enabled() { return recording_enabled; }
// EnableGrad inside InferenceMode changes nothing.
void set_grad_enabled(bool on) { recording_enabled = on && !inference_mode(); }
bool anomaly_enabled() { return anomaly; }
void set_anomaly_enabled(bool on) { anomaly = on; }

ForwardScope::ForwardScope(std::string_view type_name, const Module& module)
    : type_name_(type_name), module_(module), outer_(innermost) {
  innermost = this;
}
ForwardScope::~ForwardScope() { innermost = outer_; }

std::string_view ForwardScope::current() {
  return innermost == nullptr ? std::string_view() : innermost->type_name_;
}

std::string ForwardScope::current_path() {
  if (innermost == nullptr) return {};
  std::vector<std::string> steps;
  const ForwardScope* scope = innermost;
  for (; scope->outer_ != nullptr; scope = scope->outer_) {
    const Module& outer = scope->outer_->module_;
    std::string step;
    if (outer.path_to != nullptr)
      step = outer.path_to(outer.address, scope->module_.address, scope->module_.type);
    // A module that is no member (called through a reference) has no path; its type must do.
    steps.push_back(step.empty() ? fmt::format("({})", scope->type_name_) : std::move(step));
  }
  std::string path(scope->type_name_);
  if (steps.empty()) return path;
  std::reverse(steps.begin(), steps.end());
  for (const std::string& step : steps) path += "." + step;
  return fmt::format("{} ({})", path, innermost->type_name_);
}

void forbid_inside_forward(const char* operation, std::string_view what, std::string_view hint) {
  if (innermost == nullptr) return;
  throw Error(operation, fmt::format("{} inside the forward of {}", what, ForwardScope::current()),
              std::string(hint));
}

}  // namespace autograd

InferenceMode::InferenceMode(bool on)
    : previous_mode_(inference_mode()), previous_recording_(autograd::grad_enabled()) {
  set_inference_mode(on);
  autograd::set_grad_enabled(!on);
}

InferenceMode::~InferenceMode() {
  set_inference_mode(previous_mode_);
  autograd::set_grad_enabled(previous_recording_);
}

}  // namespace mica
