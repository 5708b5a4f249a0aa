// Exponentials, logarithms, trigonometric and special functions.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
