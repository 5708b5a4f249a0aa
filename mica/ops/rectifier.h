// Activations made of straight lines and exponentials: relu's relatives. Each is one pass over memory, and so
// is its gradient (mica/ops/map.h). Arguments are taken by value so that a temporary's memory can hold the
// result.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// x where it is above `threshold`, else `value`. Of integers: integers, if value is one.
Tensor threshold(Tensor x, double threshold, double value);
// x limited to [min_val, max_val], with no gradient at the limits. Of integers: integers, if the limits are.
// Errors: min_val > max_val.
Tensor hardtanh(Tensor x, double min_val = -1, double max_val = 1);
Tensor relu6(Tensor x);  // hardtanh(x, 0, 6)

// The others have no integer form. Errors: not floating point.
//
// x where positive, else alpha (e^x - 1) (Clevert, Unterthiner & Hochreiter 2016).
Tensor elu(Tensor x, double alpha = 1);
// elu with the scales that keep mean and variance (Klambauer et al. 2017).
Tensor selu(Tensor x);
// x where positive, else alpha (e^(x / alpha) - 1) (Barron 2017). Errors: alpha 0.
Tensor celu(Tensor x, double alpha = 1);
// x where positive, else negative_slope x.
Tensor leaky_relu(Tensor x, double negative_slope = 0.01);
// leaky_relu with a slope that is learned (He et al. 2015). Shapes: x (N, C, ...); weight (1) or (), one
// slope for all, or (C), one for each channel, of which x has one if it has fewer than two dimensions.
// Errors: another number of slopes; dtypes that differ.
Tensor prelu(const Tensor& x, const Tensor& weight);

struct RReluOptions {
  double lower = 1.0 / 8, upper = 1.0 / 3;
  bool training = false;
};
// leaky_relu whose slope, when training, is drawn from U(lower, upper) for each element that is not positive,
// in row-major order as PyTorch does; else it is their mean (Xu et al. 2015). Errors: lower > upper, not
// finite.
Tensor rrelu(Tensor x, const RReluOptions& options = {});

// x, but 0 within [-lambd, lambd].
Tensor hardshrink(Tensor x, double lambd = 0.5);
// x moved towards 0 by lambd, and 0 within [-lambd, lambd]. Errors: lambd < 0.
Tensor softshrink(Tensor x, double lambd = 0.5);

// In place.
Tensor& threshold_(Tensor& x, double threshold, double value);
Tensor& hardtanh_(Tensor& x, double min_val = -1, double max_val = 1);
Tensor& elu_(Tensor& x, double alpha = 1);
Tensor& selu_(Tensor& x);
Tensor& celu_(Tensor& x, double alpha = 1);
Tensor& leaky_relu_(Tensor& x, double negative_slope = 0.01);
Tensor& rrelu_(Tensor& x, const RReluOptions& options = {});

}  // namespace mica
