#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include <mica/kernels/floating.h>
#include <mica/kernels/optim.h>

namespace mica::kernels::reference {

void sgd_step(std::span<const SgdTensor> tensors, const SgdOptions& o) {
  for (const SgdTensor& t : tensors) {
    dispatch_floating("sgd_step", t.dtype, [&]<class T>() {
      T* param = static_cast<T*>(t.param);
      T* buffer = static_cast<T*>(t.momentum);
      for (std::int64_t i = 0; i < t.count; ++i) {
        const double p = static_cast<double>(param[i]);
        double step = static_cast<double>(static_cast<const T*>(t.grad)[i]) * (o.maximize ? -1 : 1);
        step += o.weight_decay * p;
        if (buffer) {
          const double b = t.first_momentum
                               ? step
                               : o.momentum * static_cast<double>(buffer[i]) + (1 - o.dampening) * step;
          buffer[i] = static_cast<T>(b);
          step = o.nesterov ? step + o.momentum * b : b;
        }
        param[i] = static_cast<T>(p - o.lr * step);
      }
    });
  }
}

void adam_step(std::span<const AdamTensor> tensors, const AdamOptions& o) {
  for (const AdamTensor& t : tensors) {
    dispatch_floating("adam_step", t.dtype, [&]<class T>() {
      T* param = static_cast<T*>(t.param);
      T* exp_avg = static_cast<T*>(t.exp_avg);
      T* exp_avg_sq = static_cast<T*>(t.exp_avg_sq);
      T* max_exp_avg_sq = static_cast<T*>(t.max_exp_avg_sq);
      const double correction1 = 1 - std::pow(o.beta1, static_cast<double>(t.step));
      const double correction2 = 1 - std::pow(o.beta2, static_cast<double>(t.step));
      for (std::int64_t i = 0; i < t.count; ++i) {
        double p = static_cast<double>(param[i]);
        double g = static_cast<double>(static_cast<const T*>(t.grad)[i]) * (o.maximize ? -1 : 1);
        if (o.decoupled_weight_decay) {
          p *= 1 - o.lr * o.weight_decay;
        } else {
          g += o.weight_decay * p;
        }
        const double m = o.beta1 * static_cast<double>(exp_avg[i]) + (1 - o.beta1) * g;
        double v = o.beta2 * static_cast<double>(exp_avg_sq[i]) + (1 - o.beta2) * g * g;
        exp_avg[i] = static_cast<T>(m);
        exp_avg_sq[i] = static_cast<T>(v);
        if (max_exp_avg_sq) {
          v = std::max(v, static_cast<double>(max_exp_avg_sq[i]));
          max_exp_avg_sq[i] = static_cast<T>(v);
        }
        const double denom = std::sqrt(v) / std::sqrt(correction2) + o.eps;
        param[i] = static_cast<T>(p - o.lr / correction1 * m / denom);
      }
    });
  }
}

}  // namespace mica::kernels::reference
