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
  bool repeats = true;     // may elements of an input be equal? Else it is not tried on expanded inputs
  bool any_shape = false;  // see any_shape()

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

// A case that works element by element: also tried on 0-d, zero-size and size-one inputs.
inline Case any_shape(Case c) {
  c.any_shape = true;
  return c;
}

// All cases of the program, which gradients_test.cpp runs. They come from the rows of table.h; a static Cases
// object adds those that belong to no operation in particular.
std::vector<Case>& all_cases();
void add_case(const Case& c);
struct Cases {
  Cases(std::initializer_list<Case> cases) {
    for (const Case& c : cases) add_case(c);
  }
};

// The gradient of sum(fn(x)^2) in the first input: checking it in turn reaches the third derivatives.
inline Function derivative_of(Function fn) {
  return [fn = std::move(fn)](Inputs x) {
    const EnableGrad enable;  // finite differences run under NoGrad
    return autograd::grad(square(fn(x)).sum(), x[0], {.create_graph = true});
  };
}

}  // namespace mica::gradients
