// Mistakes that compile: what a look at a model, and at a forward of it, finds suspicious.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mica/core/owned.h>
#include <mica/nn/module.h>

namespace mica::nn {

struct Finding {
  enum class Kind : std::uint8_t {
    forgotten_parameter,  // a Tensor member that looks as if it should be a Parameter or a Buffer
    unused_parameter,     // the forward does not use it
    no_gradient,          // a backward reached other parameters, but not this one
    shared_memory,        // two members in the same memory that are not tied
    frozen_batch_norm,    // its weights are frozen, its statistics are not
    mixed_dtypes,         // floating-point members of several dtypes
  };
  Kind kind;
  std::string path;     // of the member or module
  std::string message;  // what is wrong, and what to do
};
// "forgotten parameter"
std::string_view to_string(Finding::Kind kind);

// The result of lint(): empty if there is nothing to say.
struct Findings {
  std::vector<Finding> list;
  bool empty() const { return list.empty(); }
  std::size_t size() const { return list.size(); }
  auto begin() const { return list.begin(); }
  auto end() const { return list.end(); }
  // A line for each.
  std::string to_string() const;
};
std::ostream& operator<<(std::ostream& out, const Findings& findings);

// Looks at the model as it is. After a backward, parameters that got no gradient are found as well; frozen
// ones are none.
//   std::cout << nn::lint(model);
Findings lint(const ModuleRef& model);

namespace detail {
// Sees which parameters the result of one forward depends on.
class LintRun {
 public:
  explicit LintRun(const ModuleRef& model);
  ~LintRun();
  LintRun(const LintRun&) = delete;
  LintRun& operator=(const LintRun&) = delete;
  Findings finish();

 private:
  struct State;
  Owned<State> state_;
};
}  // namespace detail

// Also calls model(example...), in the modes that the model has, and finds the parameters that the result
// does not depend on; seen are a Tensor, and pairs, tuples and vectors of them. The model is as before
// afterwards, as after summary(), also when forward throws.
//   std::cout << nn::lint(model, randn({8, 784}));
template <IsModule M, class... Example>
  requires(sizeof...(Example) > 0)
Findings lint(M& model, Example&&... example) {
  detail::LintRun run{ModuleRef(model)};
  static_cast<void>(model(std::forward<Example>(example)...));
  return run.finish();
}

}  // namespace mica::nn
