// Counting: histograms, distinct values, places in sorted sequences.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
