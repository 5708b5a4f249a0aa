// Channels that change places, as layers; the functions in <mica/ops/shuffle.h> say how.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/shuffle.h>

namespace mica::nn {

// nn::ChannelShuffle{.groups = 2}
struct ChannelShuffle : Module {
  std::int64_t groups = 1;
  Tensor forward(const Tensor& x) { return channel_shuffle(x, groups); }
};
// nn::PixelShuffle{.upscale_factor = 2}
struct PixelShuffle : Module {
  std::int64_t upscale_factor = 1;
  Tensor forward(const Tensor& x) { return pixel_shuffle(x, upscale_factor); }
};
struct PixelUnshuffle : Module {
  std::int64_t downscale_factor = 1;
  Tensor forward(const Tensor& x) { return pixel_unshuffle(x, downscale_factor); }
};

}  // namespace mica::nn
