// Rounding and remainders.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
