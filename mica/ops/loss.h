// Loss functions.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

enum class Reduction { mean, sum, none };

struct CrossEntropyOptions {
  Tensor weight{};                        // (C): a weight for each class, constant; undefined for none
  std::int64_t ignore_index = -100;       // targets of this value count neither for the loss nor for the mean
  Reduction reduction = Reduction::mean;  // mean: over the weights of the targets that count
  double label_smoothing = 0;  // 0 to 1: mixes the target with the uniform distribution (Szegedy et al. 2015)
};
// -log softmax(logits)[target], fused (nn.functional.cross_entropy).
// Shapes: logits (N, C), (C) or (N, C, d1, ...); target i64 class numbers of (N), () or (N, d1, ...), or
// probabilities of the logits' shape. Errors: class numbers outside 0..C-1, shapes that do not match.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {});

// (x - target)^2, reduced (nn.functional.mse_loss). Shapes broadcast.
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

}  // namespace mica
