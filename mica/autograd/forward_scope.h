// Knows which module's forward runs on this thread, so that training inside it fails at once.
#pragma once

#include <string_view>

namespace mica::autograd {

// Alive while a module's forward runs; nests.
class ForwardScope {
 public:
  explicit ForwardScope(std::string_view type_name);
  ~ForwardScope();
  ForwardScope(const ForwardScope&) = delete;
  ForwardScope& operator=(const ForwardScope&) = delete;
  // Type of the innermost module whose forward runs on this thread; empty when none does.
  static std::string_view current();

 private:
  std::string_view previous_;
};

// Errors: called while a forward runs. `what` completes "... inside the forward of Net".
void forbid_inside_forward(const char* operation, std::string_view what, std::string_view hint);

}  // namespace mica::autograd
