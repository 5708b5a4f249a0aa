// A part of a graph differentiated on its own. For checkpoint().
#pragma once

#include <span>
#include <vector>

#include <mica/autograd/node.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

// The gradients at `ends` of what was recorded after them: the pass stops there, calls none of their hooks,
// and adds to no grad(). Entries of grad_outputs may be undefined; so is the result where no gradient
// arrived.
std::vector<Tensor> grad_of_segment(std::span<const Tensor> outputs, std::span<const Edge> ends,
                                    std::span<const Tensor> grad_outputs, bool create_graph);

}  // namespace mica::autograd
