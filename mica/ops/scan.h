// Cumulative sums and products along a dimension.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
