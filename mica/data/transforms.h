// From the numbers of image files to those that models are trained on.
#pragma once

#include <vector>

#include <mica/tensor/tensor.h>

namespace mica::data {

// (x / 255 - mean) / std as f32, in one pass: what torchvision's ToTensor and Normalize give. Of whole
// datasets before training, or of each batch, which needs a quarter of the memory. Shapes: u8 of any shape ->
// f32 of the same. Errors: not u8; std not above 0.
Tensor to_float(const Tensor& images, double mean = 0, double std = 1);

// The same with a mean and a standard deviation for each channel.
// Shapes: u8 (N, C, ...) with C numbers in `mean` and `std` -> f32 of the same.
Tensor to_float(const Tensor& images, const std::vector<double>& mean, const std::vector<double>& std);

}  // namespace mica::data
