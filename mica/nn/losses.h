// The names that PyTorch users look for under nn: losses as functions.
#pragma once

#include <mica/ops/loss.h>

namespace mica::nn {
using mica::cross_entropy;
using mica::mse_loss;
}  // namespace mica::nn
