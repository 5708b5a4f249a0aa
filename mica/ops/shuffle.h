// Channels that change places, with each other and with pixels.
#pragma once

#include <cstdint>

#include <mica/tensor/tensor.h>

namespace mica {

// Channels in `groups` rows are read by columns (Zhang et al. 2018). Shapes: (N, C, ...), at least three
// dimensions, unchanged. Errors: groups that do not divide C.
Tensor channel_shuffle(const Tensor& x, std::int64_t groups);

// r^2 channels become r x r pixels (Shi et al. 2016). Shapes: (..., C r^2, H, W) -> (..., C, H r, W r).
// Errors: channels that r^2 does not divide.
Tensor pixel_shuffle(const Tensor& x, std::int64_t upscale_factor);
// The reverse. Shapes: (..., C, H r, W r) -> (..., C r^2, H, W). Errors: a height or width that r does not
// divide.
Tensor pixel_unshuffle(const Tensor& x, std::int64_t downscale_factor);

}  // namespace mica
