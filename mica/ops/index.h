// Elements by position: reading and writing.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {}  // namespace mica
