// Connectionist temporal classification: the probability of a sequence of labels over all its alignments.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

struct Ctc {
  DType dtype;                        // f32 or f64
  std::int64_t time, batch, classes;  // of log_probs (T, N, C), row-major
  std::int64_t blank;
  std::int64_t longest;  // columns of targets
  const void* log_probs;
  const std::int64_t* targets;  // (N, longest), valid up to each length
  const std::int64_t* input_lengths;
  const std::int64_t* target_lengths;
};

// loss (N) f64: -log of the probability, infinite where there is no alignment. log_alpha (N, T, 2 longest +
// 1) f64 is kept for backward.
void ctc(const Ctc& c, double* loss, double* log_alpha);
// grad_log_probs (T, N, C) of grad_loss (N), both of c.dtype. As PyTorch's, it is the gradient under the
// assumption that log_probs come out of log_softmax, exp(log_prob) - (posterior of the class): it is right
// for what went into that. Losses that are infinite get 0 if zero_infinity.
void ctc_backward(const Ctc& c, const double* loss, const double* log_alpha, const void* grad_loss,
                  bool zero_infinity, void* grad_log_probs);

}  // namespace mica::kernels
