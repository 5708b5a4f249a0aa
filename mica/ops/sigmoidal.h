// Activations made with sigmoid and tanh, and the straight lines that stand in for them. Each is one pass
// over memory, and so is its gradient (mica/ops/map.h). Arguments are taken by value so that a temporary's
// memory can hold the result.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Errors of these five: not floating point.
Tensor silu(Tensor x);  // x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2017)
Tensor mish(Tensor x);  // x tanh(softplus(x)) (Misra 2019)
// relu6(x + 3) / 6, with no gradient at -3 and 3.
Tensor hardsigmoid(Tensor x);
// x hardsigmoid(x) (Howard et al. 2019), with the gradient 0 at -3 and 1 at 3.
Tensor hardswish(Tensor x);
Tensor logsigmoid(Tensor x);  // log(sigmoid(x)) without overflow

Tensor softsign(Tensor x);    // x / (1 + |x|)
Tensor tanhshrink(Tensor x);  // x - tanh(x)

// The first half of `dim` times the sigmoid of the second (Dauphin et al. 2017).
// Shapes: (..., 2 n, ...) -> (..., n, ...). Errors: an odd size, no dimension, not floating point.
Tensor glu(const Tensor& x, std::int64_t dim = -1);

}  // namespace mica
