// Comparison of operations with golden/ops.json, which PyTorch made.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <mica/tensor/tensor.h>

namespace mica::golden {

// The arguments of a case that are no input tensors.
class Args {
 public:
  explicit Args(const nlohmann::json& values) : values_(values) {}
  bool has(const char* name) const;
  Scalar scalar(const char* name) const;  // keeps the kind of number
  double real(const char* name, double otherwise) const;
  std::optional<double> maybe_real(const char* name) const;
  std::int64_t integer(const char* name) const;
  std::optional<std::int64_t> maybe_integer(const char* name) const;
  bool flag(const char* name) const;  // false where absent
  Shape shape(const char* name) const;
  std::string text(const char* name) const;
  Tensor tensor(const char* name) const;  // undefined where absent

 private:
  const nlohmann::json& values_;
};

using Inputs = std::span<const Tensor>;  // undefined where PyTorch was given None
using Operation = std::function<std::vector<Tensor>(Inputs, const Args&)>;
using Operations = std::map<std::string, Operation>;

// Runs all cases of a group: results, their dtypes and shapes, and the gradients. A case without an operation
// here and an operation without a case are failures.
void expect_golden(const std::string& group, const Operations& operations);

// Operations that need no arguments, as table entries.
inline Operation unary(Tensor (*fn)(Tensor)) {
  return [fn](Inputs x, const Args&) { return std::vector{fn(x[0])}; };
}
inline Operation unary(Tensor (*fn)(const Tensor&)) {
  return [fn](Inputs x, const Args&) { return std::vector{fn(x[0])}; };
}
inline Operation binary(Tensor (*fn)(Tensor, Tensor)) {
  return [fn](Inputs x, const Args&) { return std::vector{fn(x[0], x[1])}; };
}
inline Operation binary(Tensor (*fn)(const Tensor&, const Tensor&)) {
  return [fn](Inputs x, const Args&) { return std::vector{fn(x[0], x[1])}; };
}

}  // namespace mica::golden
