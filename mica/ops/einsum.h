// Products of tensors over named dimensions.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
