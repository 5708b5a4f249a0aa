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

std::string_view ModuleRef::type() const {
  return about_->printed_type != nullptr ? about_->printed_type(address_) : about_->name;
}

void ModuleRef::walk(Visitor& v) const {
  v.around_.push_back({*this, v.prefix_.size()});
  about_->walk(address_, v);
  v.around_.pop_back();
}

std::string ModuleRef::describe() const {
  return is_container() ? std::string() : about_->describe(address_);
}
Tensor ModuleRef::get_extra_state() const { return about_->extra->get(address_); }
void ModuleRef::set_extra_state(const Tensor& state) const { about_->extra->set(address_, state); }
std::int64_t ModuleRef::flops(const Arguments& args, const Value& result) const {
  return about_->flops(address_, args, result);
}
StateDict ModuleRef::migrate(const StateDict& state, int version) const {
  return about_->evolution.migrate(state, version);
}

void ModuleRef::walk_as(std::string_view name, Visitor& v) const {
  v.push(name, *this);
  about_->walk(address_, v);
  v.pop();
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

std::string item_name(std::string_view name, std::size_t i) { return fmt::format("{}.{}", name, i); }
std::string index_name(std::size_t i) { return std::to_string(i); }

void add_shown(std::string& out, std::string_view name, const std::string& value) {
  if (!out.empty()) out += ", ";
  out.append(name).append("=").append(value);
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
