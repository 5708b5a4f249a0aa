#include <utility>

#include <mica/core/error.h>

namespace mica {

Error::Error(std::string operation, std::string message, std::string hint)
    : operation_(std::move(operation)), message_(std::move(message)), hint_(std::move(hint)) {
  compose();
}

void Error::set_module_path(std::string path) {
  module_path_ = std::move(path);
  compose();
}

void Error::compose() {
  what_ = "[" + operation_ + "] " + message_;
  if (!module_path_.empty()) what_ += "\n  in " + module_path_;
  if (!hint_.empty()) what_ += "\n  hint: " + hint_;
}

}  // namespace mica
