// The one exception type of the library.
#pragma once

#include <exception>
#include <string>

namespace mica {

// What went wrong, in which operation, and what would likely fix it. `what()` reads
//   [linear] input has 8 features, weight expects 16
//     in Net.blocks.2.fc (Linear)
//     hint: ...
class Error : public std::exception {
 public:
  Error(std::string operation, std::string message, std::string hint = {});

  const std::string& operation() const { return operation_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  // "Net.blocks.2.fc (Linear)": the module whose forward threw; empty outside modules.
  const std::string& module_path() const { return module_path_; }
  void set_module_path(std::string path);

  // How far nn::Module has traced the error through the modules it leaves. Not for users.
  struct Trail {
    const void* module = nullptr;  // the module that the error left last
    const void* type = nullptr;    // tells modules apart that start at the same address
    std::string type_name;         // its type: "Net"
    std::string path;              // from there to the module that threw: "blocks.2.fc"
    std::string thrower;           // type of the module that threw: "Linear"
  };
  Trail& trail() { return trail_; }

  const char* what() const noexcept override { return what_.c_str(); }

 private:
  void compose();
  std::string operation_, message_, hint_, module_path_, what_;
  Trail trail_;
};

}  // namespace mica
