// Reading the golden values that tests/golden/make_*.py wrote.
#pragma once

#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace mica::kernels {

inline nlohmann::json read_golden(const std::string& name) {
  std::ifstream file(std::string(MICA_GOLDEN_DIR) + "/" + name);
  return nlohmann::json::parse(file);
}

// A flat list of numbers; "nan", "inf" and "-inf" stand for themselves.
template <class T> std::vector<T> numbers(const nlohmann::json& list) {
  std::vector<T> values;
  for (const auto& v : list) {
    values.push_back(static_cast<T>(v.is_string() ? std::stod(v.get<std::string>()) : v.get<double>()));
  }
  return values;
}

}  // namespace mica::kernels
