// Softmax over very many classes.
#pragma once

#include <utility>
#include <vector>

#include <mica/nn/linear.h>
#include <mica/nn/module.h>
#include <mica/nn/sequential.h>

namespace mica::nn {

struct AdaptiveLogSoftmaxOptions {
  double div_value = 4;  // cluster i works in in_features / div_value^(i + 1) dimensions
  bool head_bias = false;
  DType dtype = f32;
};

// Log softmax over classes sorted by how frequent they are, most frequent first: a shortlist and a number of
// clusters, of which only those that the targets fall into are computed (Grave et al. 2017;
// torch.nn.AdaptiveLogSoftmaxWithLoss).
//   auto [output, loss] = layer(x, target);  // log probability of each target, and minus their mean
// Shapes: x (N, in_features), target (N) i64 -> (N), (); or x (in_features), target () -> (), ().
class AdaptiveLogSoftmaxWithLoss : public Module {
 public:
  // The shortlist has the classes below cutoffs[0], the first cluster those below cutoffs[1], the last one
  // the rest. Errors: cutoffs that are none, or do not rise within 1..n_classes-1.
  AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                             std::vector<std::int64_t> cutoffs,
                             const AdaptiveLogSoftmaxOptions& options = {});

  std::int64_t in_features = 0, n_classes = 0;
  std::vector<std::int64_t> cutoffs;  // and n_classes at the end
  double div_value = 4;
  bool head_bias = false;
  Linear head{0, 0, {.bias = false}};  // shortlist and one entry for each cluster
  std::vector<Sequential> tail;        // of two Linear each

  void reset_parameters();
  // The log probabilities of all classes. Shapes: (N, in_features) -> (N, n_classes).
  Tensor log_prob(const Tensor& x);
  // The most probable class of each: log_prob(x).argmax(1), without the clusters where the shortlist wins.
  // Shapes: (N, in_features) -> (N) i64.
  Tensor predict(const Tensor& x);
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(in_features, n_classes, cutoffs, div_value, head_bias, head, tail)

 private:
  friend Module;
  AdaptiveLogSoftmaxWithLoss() = default;
  // Errors: other shapes than those above, a target outside 0..n_classes-1.
  std::pair<Tensor, Tensor> forward(const Tensor& x, const Tensor& target);
  Tensor full_log_prob(const Tensor& x, const Tensor& head_output);
};

}  // namespace mica::nn
