// A user's own elementwise operation in one pass.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
