// The loss of sequences without alignment.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/ops/loss.h>

namespace mica {

struct CtcLossOptions {
  std::int64_t blank = 0;                 // the class that stands for no label
  Reduction reduction = Reduction::mean;  // mean: of the losses divided by the lengths of their targets
  bool zero_infinity = false;  // targets that are too long for their input count as 0, not as infinity
};
// -log of the probability that the labels come out in this order, over all ways to spread them over time
// (nn.functional.ctc_loss; Graves et al. 2006). Losses of Reduction::none are one for each sequence.
// Shapes: log_probs (T, N, C), as log_softmax gives them; targets (N, S), or all after one another (sum of
// the lengths); lengths (N). Without a batch: (T, C), (S), and lengths without dimensions. The gradient takes
// log_probs for the result of log_softmax, as PyTorch's does: it is right for what went into that. It has no
// derivative of its own. Errors: shapes that do not match, lengths out of range, labels that are the blank or
// no class.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcLossOptions& options = {});
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets,
                const std::vector<std::int64_t>& input_lengths,
                const std::vector<std::int64_t>& target_lengths, const CtcLossOptions& options = {});

}  // namespace mica
