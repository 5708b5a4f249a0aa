// The graph as a picture.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica::autograd {

struct DotOptions {
  // Names of leaves and results: model.named_parameters() fits.
  std::vector<std::pair<std::string, Tensor>> names = {};
};

// The operations that the outputs were made by, and the leaves that require gradients, in Graphviz's
// language: `dot -Tsvg`. Arrows go the way of the numbers, from leaves to outputs. The text depends on
// nothing but the graph and the names. With an operation goes the shape of its results, and under Anomaly the
// module that recorded it.
std::string to_dot(std::span<const Tensor> outputs, const DotOptions& options = {});
std::string to_dot(const Tensor& output, const DotOptions& options = {});

}  // namespace mica::autograd
