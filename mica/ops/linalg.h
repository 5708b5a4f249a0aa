// Linear algebra: decompositions, solutions, determinants.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
