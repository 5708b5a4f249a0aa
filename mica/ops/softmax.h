// Softmax and its logarithm.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// exp(x) / sum(exp(x)) along `dim`, computed without overflow. Errors: not floating point.
Tensor softmax(const Tensor& x, std::int64_t dim);
// log(softmax(x)) along `dim`, computed without losing small values.
Tensor log_softmax(const Tensor& x, std::int64_t dim);

}  // namespace mica
