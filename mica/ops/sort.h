// Sorting and order statistics.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
