// Matrix products by oneDNN, f32.
#pragma once

#include <mica/kernels/gemm.h>

namespace mica::kernels::onednn {

// One matrix of the batch of `g`: oneDNN's BLAS-like entry. m, n, k > 0.
void sgemm(const Gemm& g, std::int64_t index);

// The whole batch by a cached matmul primitive, plus bias (n) on each row when it is not null. beta must be
// 0. False, and nothing is done, when oneDNN has no implementation.
bool matmul(const Gemm& g, const float* bias);

}  // namespace mica::kernels::onednn
