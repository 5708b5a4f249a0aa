// Comparison of operations with the files in golden/ops/, which PyTorch made.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
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
  bool is_text(const char* name) const;  // false where absent
  std::string text(const char* name) const;
  Tensor tensor(const char* name) const;  // undefined where absent

 private:
  const nlohmann::json& values_;
};

using Inputs = std::span<const Tensor>;  // undefined where PyTorch was given None
using Operation = std::function<std::vector<Tensor>(Inputs, const Args&)>;
using Operations = std::map<std::string, Operation>;

// Runs the cases of a family that the operations name: results, their dtypes and shapes with the inputs in
// every layout of memory, and the gradients. An operation without a case is a failure.
void expect_cases(const std::string& family, const Operations& operations);
// The same, and a case without an operation is a failure too.
void expect_golden(const std::string& family, const Operations& operations);

std::set<std::string> case_names(const std::string& family);
// The dtypes that the sweeps of these operations covered.
std::set<std::string> swept_dtypes(const std::string& family, const Operations& operations);

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
