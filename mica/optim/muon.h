// Muon.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

// How the rate depends on the shape (A, B) of a matrix: lr sqrt(max(1, A / B)), or 0.2 lr sqrt(max(A, B)),
// with which rates and weight decays found for AdamW serve.
enum class MuonAdjustLr { original, match_rms_adamw };

struct MuonOptions {
  double lr = 1e-3;
  double weight_decay = 0.1;  // shrinks the parameter itself by lr * weight_decay
  double momentum = 0.95;
  bool nesterov = true;
  std::array<double, 3> ns_coefficients{3.4445, -4.7750, 2.0315};  // of the Newton-Schulz iteration
  double eps = 1e-7;                                               // bounds the norm that it divides by
  std::int64_t ns_steps = 5;
  MuonAdjustLr adjust_lr_fn = MuonAdjustLr::original;
};

// Steps by the momentum made orthogonal: its singular values are brought near to one by a Newton-Schulz
// iteration (torch.optim.Muon; Jordan et al. 2024, Liu et al. 2025). For the matrices of hidden layers;
// biases, embeddings and heads are for AdamW. The iteration is computed in the parameter's dtype (f32 for
// bf16 and f16), where PyTorch rounds it to bf16.
class Muon : public OptimizerOf<MuonOptions> {
 public:
  // Errors: options out of range, parameters that are no matrices.
  explicit Muon(std::vector<Tensor> parameters, const MuonOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  bool counts_steps() const override { return false; }
  void update() override;
};

}  // namespace mica::optim
