// How well a model does on images it was not trained on.
#pragma once

#include <cstdint>
#include <vector>

#include <examples/fashion_mnist/net.h>
#include <examples/fashion_mnist/report.h>

namespace demo {

struct Evaluation {
  double loss = 0, accuracy = 0;
  std::vector<std::vector<std::int64_t>> confusion;  // [truth][predicted]
  // Of each image: the predicted class and its probability.
  std::vector<std::int64_t> predicted;
  std::vector<float> confidence;
};

// images (N, 1, H, W) f32, labels (N) i64. Leaves the model in evaluation mode.
Evaluation evaluate(Net& net, const Tensor& images, const Tensor& labels);

// The most confident wrong answers, at most `count`; pixels are the original u8 images.
std::vector<Report::Mistake> worst_mistakes(const Evaluation& evaluation, const Tensor& pixels,
                                            const Tensor& labels, std::size_t count);

// The module tree with parameter counts.
Report::Node module_tree(Net& net);

}  // namespace demo
