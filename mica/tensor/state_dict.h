// Named tensors in order: the state of a model, an optimizer, a file.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// An ordered map from unique names to tensors ("blocks.0.fc.weight").
class StateDict {
 public:
  using Entry = std::pair<std::string, Tensor>;

  StateDict() = default;
  // {{"fc.weight", w}, {"fc.bias", b}}, or what named_parameters() gives. Errors: a name that comes twice.
  StateDict(std::initializer_list<Entry> entries);
  explicit StateDict(std::span<const Entry> entries);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // Null if there is none.
  const Tensor* find(std::string_view name) const;
  // Errors: no such name; the closest one is suggested.
  const Tensor& at(std::string_view name) const;
  // Adds at the end. Errors: the name is there already.
  void insert(std::string name, Tensor tensor);
  // Adds at the end, or replaces the tensor of that name.
  void set(std::string name, Tensor tensor);
  // False if there is no such name. Counts through the entries.
  bool erase(std::string_view name);
  // Adds all entries of another, their names prefixed.
  void insert_all(std::string_view prefix, const StateDict& other);
  // The entries whose names start with the prefix, without it.
  StateDict with_prefix(std::string_view prefix) const;

 private:
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> positions_;  // in entries_, by name
};

// The candidate that `name` is most likely a misspelling of; empty if none is close.
std::string closest_name(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace mica
