// What a model does to an example: shapes, parameters, work and memory of every module.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mica/autograd/grad_mode.h>
#include <mica/core/owned.h>
#include <mica/nn/module.h>

namespace mica::nn {

// The result of summary(). Every figure is that of a module itself, without the modules in it, so that
// columns add up to the totals.
struct Summary {
  struct Row {
    std::string path;             // "blocks.0.fc"; "" for the model
    std::string type;             // "Linear", or "ModuleList" for a container
    std::int64_t calls = 0;       // a module that is called in a loop has one row
    std::vector<Shape> output;    // of the last call: the tensors in its result
    std::int64_t parameters = 0;  // elements; a tied parameter counts in each of its rows, once in the totals
    std::int64_t trainable = 0;   // those with requires_grad
    // Of all calls, for the modules that know: Linear, Conv2d, and those with a member
    //   std::int64_t flops(const nn::Arguments& args, const nn::Value& result) const;
    // A multiplication with an addition counts as two. Adding a bias does not count, nor do activations,
    // normalisation, pooling, and operations that a forward calls itself.
    std::optional<std::int64_t> flops;
    // Bytes that the module's calls returned in memory of their own: a block counts in the innermost module
    // that returned it, and a view of an argument, or of a parameter, nowhere.
    std::int64_t memory = 0;
  };
  std::vector<Row> rows;  // the model first, then what is in it in order of declaration
  std::int64_t parameters = 0, trainable = 0;
  std::int64_t parameter_bytes = 0, buffer_bytes = 0;
  std::int64_t flops = 0, memory = 0;
  bool called = true;  // false without an example: no outputs, FLOPs and memory

  // A table, and the totals below it.
  std::string to_string() const;
};
std::ostream& operator<<(std::ostream& out, const Summary& summary);

namespace detail {
// Watches the calls of a model's modules during one forward in eval mode.
class SummaryRun {
 public:
  explicit SummaryRun(const ModuleRef& model);
  ~SummaryRun();
  SummaryRun(const SummaryRun&) = delete;
  SummaryRun& operator=(const SummaryRun&) = delete;
  Summary finish(bool called);

 private:
  struct State;
  Owned<State> state_;
};
}  // namespace detail

// Calls model(example...) once, in eval mode and without recording, and tells what each module did.
//   std::cout << nn::summary(model, randn({1, 3, 32, 32}));
// The model is as before afterwards, also when forward throws: modes, buffers, bare tensors and the default
// generator; only other plain members that forward changes stay changed. Hooks run. The results of modules
// are kept until the forward ends, as training would keep them.
// Without an example the model is not called, and may be one without memory (nn::meta).
template <IsModule M, class... Example> Summary summary(M& model, Example&&... example) {
  detail::SummaryRun run{ModuleRef(model)};
  const NoGrad no_grad;
  constexpr bool called = sizeof...(Example) > 0;
  if constexpr (called) static_cast<void>(model(std::forward<Example>(example)...));
  return run.finish(called);
}

}  // namespace mica::nn
