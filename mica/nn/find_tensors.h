// The tensors in what a forward takes or gives.
#pragma once

#include <vector>

#include <mica/nn/hooks.h>

namespace mica::nn::detail {

// Those of a Tensor, an optional, a vector, and pairs and tuples of up to four, also an LSTM's (y, (h, c));
// the data of a PackedSequence; nothing of other types.
std::vector<Tensor> find_tensors(const Value& value);

}  // namespace mica::nn::detail
