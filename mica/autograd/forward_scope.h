// Knows which module's forward runs on this thread, so that training inside it fails at once and Anomaly can
// say where an operation was recorded.
#pragma once

#include <string>
#include <string_view>

namespace mica::autograd {

// Alive while a module's forward runs; nests.
class ForwardScope {
 public:
  // The module, for whoever asks for its path.
  struct Module {
    const void* address;
    const void* type;  // tells modules apart that start at the same address
    // The path from this module to the one at an address, of that type; "" if it is no member.
    std::string (*path_to)(const void* module, const void* address, const void* type);
  };
  explicit ForwardScope(std::string_view type_name, const Module& module = {});
  ~ForwardScope();
  ForwardScope(const ForwardScope&) = delete;
  ForwardScope& operator=(const ForwardScope&) = delete;
  // Type of the innermost module whose forward runs on this thread; empty when none does.
  static std::string_view current();
  // Its path from the outermost one, "Net.blocks.2.fc (Linear)"; empty when none runs. Searches the modules.
  static std::string current_path();

 private:
  std::string_view type_name_;
  Module module_;
  const ForwardScope* outer_;
};

// Errors: called while a forward runs. `what` completes "... inside the forward of Net".
void forbid_inside_forward(const char* operation, std::string_view what, std::string_view hint);

}  // namespace mica::autograd
