// The check of first and second derivatives that every differentiable operation passes.
#pragma once

#include <functional>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/ops/pointwise.h>
#include <mica/tensor/tensor.h>

namespace mica::gradients {

using Inputs = std::span<const Tensor>;
using Function = std::function<Tensor(Inputs)>;

// An f64 input, drawn uniformly from [low, high).
struct Input {
  Shape sizes;
  double low = -2, high = 2;
};

// A differentiable function and what it is tried on. The check runs it on inputs of every memory layout.
struct Case {
  std::string name;  // letters and digits: the name of a test
  Function fn;
  std::vector<Input> inputs;
  bool repeats = true;  // may elements of an input be equal? Else it is not tried on expanded inputs

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

// All cases of the program. Each test file adds its own with a static Cases object; gradients_test.cpp runs
// them.
std::vector<Case>& all_cases();
struct Cases {
  Cases(std::initializer_list<Case> cases) { all_cases().insert(all_cases().end(), cases); }
};

// The gradient of sum(fn(x)^2) in the first input: checking it in turn reaches the third derivatives.
inline Function derivative_of(Function fn) {
  return [fn = std::move(fn)](Inputs x) {
    const EnableGrad enable;  // finite differences run under NoGrad
    return autograd::grad(square(fn(x)).sum(), x[0], {.create_graph = true});
  };
}

}  // namespace mica::gradients
