#include <fmt/format.h>

#include <mica/nn/walk.h>

namespace mica::nn {

std::string Visitor::path(std::string_view name) const {
  std::string path;
  path.reserve(prefix_.size() + 1 + name.size());
  path += prefix_;
  if (!path.empty()) path += '.';
  return path += name;
}

void Visitor::push(std::string_view name, const ModuleRef& module) {
  enter(name, module);
  around_.push_back({module, prefix_.size()});
  if (!prefix_.empty()) prefix_ += '.';
  prefix_ += name;
}

void Visitor::pop() {
  const Level inner = around_.back();
  around_.pop_back();
  prefix_.resize(inner.prefix_length);
  leave(inner.module);
}

void ModuleRef::walk(Visitor& v) const {
  v.around_.push_back({*this, v.prefix_.size()});
  walk_(address_, v);
  v.around_.pop_back();
}

ModuleRef ModuleRef::moved_to(const Module* base) const {
  // Not every type begins with its base class.
  const std::ptrdiff_t start = static_cast<const char*>(address_) - reinterpret_cast<const char*>(base_);
  ModuleRef moved = *this;
  moved.base_ = base;
  moved.address_ = const_cast<char*>(reinterpret_cast<const char*>(base) + start);
  moved.slot_ = nullptr;
  return moved;
}

namespace detail {

std::string item_name(std::string_view name, std::string_view item) {
  return fmt::format("{}.{}", name, item);
}

std::string show(std::int64_t value) { return fmt::format("{}", value); }
std::string show(double value) {
  const std::string text = fmt::format("{}", value);  // Python's repr, which always shows a float as one
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}
std::string show(bool value) { return value ? "True" : "False"; }
std::string show(const std::string& value) { return fmt::format("'{}'", value); }

}  // namespace detail
}  // namespace mica::nn
