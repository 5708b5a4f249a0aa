#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/tensor/state_dict.h>

namespace mica {

StateDict::StateDict(std::initializer_list<Entry> entries)
    : StateDict(std::span<const Entry>(entries.begin(), entries.size())) {}

StateDict::StateDict(std::span<const Entry> entries) {
  for (const auto& [name, tensor] : entries) insert(name, tensor);
}

const Tensor* StateDict::find(std::string_view name) const {
  const auto it = positions_.find(name);
  return it != positions_.end() ? &entries_[it->second].second : nullptr;
}

const Tensor& StateDict::at(std::string_view name) const {
  if (const Tensor* found = find(name)) return *found;
  std::vector<std::string_view> names;
  names.reserve(entries_.size());
  for (const auto& [known, tensor] : entries_) names.push_back(known);
  const std::string closest = closest_name(name, names);
  throw Error("StateDict", fmt::format("no tensor named \"{}\" among {}", name, entries_.size()),
              closest.empty() ? "" : fmt::format("did you mean \"{}\"?", closest));
}

void StateDict::insert(std::string name, Tensor tensor) {
  if (!positions_.emplace(name, entries_.size()).second) {
    throw Error("StateDict", fmt::format("two tensors named \"{}\"", name));
  }
  entries_.emplace_back(std::move(name), std::move(tensor));
}

void StateDict::set(std::string name, Tensor tensor) {
  const auto it = positions_.find(name);
  if (it == positions_.end()) return insert(std::move(name), std::move(tensor));
  entries_[it->second].second = std::move(tensor);
}

bool StateDict::erase(std::string_view name) {
  const auto it = positions_.find(name);
  if (it == positions_.end()) return false;
  const std::size_t at = it->second;
  positions_.erase(it);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  for (auto& [other, position] : positions_) {
    if (position > at) --position;
  }
  return true;
}

void StateDict::insert_all(std::string_view prefix, const StateDict& other) {
  for (const auto& [name, tensor] : other) insert(std::string(prefix) + name, tensor);
}

StateDict StateDict::with_prefix(std::string_view prefix) const {
  StateDict out;
  for (const auto& [name, tensor] : entries_) {
    if (name.starts_with(prefix)) out.insert(name.substr(prefix.size()), tensor);
  }
  return out;
}

std::string closest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(name.size() / 3, 2) + 1;
  std::vector<std::size_t> row;
  for (const std::string_view candidate : candidates) {
    // Levenshtein's distance, one row at a time
    row.resize(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t replaced = diagonal + (name[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return std::string(best);
}

}  // namespace mica
