// Copies of a tensor with its elements in other places.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
