// Softmax and its relatives.
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

// exp(x) / sum(exp(x)) along `dim`, computed without overflow; x is converted first if a dtype is given.
// Errors: not floating point.
Tensor softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});
// log(softmax(x)) along `dim`, computed without losing small values.
Tensor log_softmax(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});
// softmax(-x)
Tensor softmin(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});

struct GumbelSoftmaxOptions {
  double tau = 1;     // temperature: the smaller, the nearer to one-hot
  bool hard = false;  // one-hot results, with the gradient of the soft ones
  std::int64_t dim = -1;
};
// softmax((logits + g) / tau) with g drawn from Gumbel(0, 1): a choice in proportion to e^logits that has a
// gradient (Jang, Gu & Poole 2017). Draws from the default generator as PyTorch does. Errors: tau 0, not
// floating point.
Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxOptions& options = {});

}  // namespace mica
