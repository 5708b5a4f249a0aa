#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>

namespace mica::autograd {

namespace {
thread_local bool recording_enabled = true;
thread_local std::string_view running_module;
}  // namespace

bool grad_enabled() { return recording_enabled; }
void set_grad_enabled(bool on) { recording_enabled = on; }

ForwardScope::ForwardScope(std::string_view type_name) : previous_(running_module) {
  running_module = type_name;
}
ForwardScope::~ForwardScope() { running_module = previous_; }
std::string_view ForwardScope::current() { return running_module; }

void forbid_inside_forward(const char* operation, std::string_view what, std::string_view hint) {
  if (running_module.empty()) return;
  throw Error(operation, fmt::format("{} inside the forward of {}", what, running_module), std::string(hint));
}

}  // namespace mica::autograd
