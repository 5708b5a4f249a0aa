// Dropout layers: they drop while training and pass their input through in evaluation.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/dropout.h>

namespace mica::nn {

namespace detail {
// What the dropout layers share: all but what they drop.
class Dropout : public Module {
 public:
  double p;
  Mode mode;
  std::string extra_repr() const;

 protected:
  Dropout(const char* type, double p);
};
}  // namespace detail

// Zeroes elements with probability p, scales the rest by 1 / (1 - p) (torch.nn.Dropout).
class Dropout : public detail::Dropout {
 public:
  // Errors, here and below: p outside [0, 1].
  explicit Dropout(double p = 0.5) : detail::Dropout("nn::Dropout", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return dropout(x, p, mode.training); }
};

// Zeroes whole channels (torch.nn.Dropout1d). Shapes: (N, C, L) or (C, L), unchanged.
class Dropout1d : public detail::Dropout {
 public:
  explicit Dropout1d(double p = 0.5) : detail::Dropout("nn::Dropout1d", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return dropout1d(x, p, mode.training); }
};

// Shapes: (N, C, H, W), unchanged; three dimensions are (N, C, L), as in PyTorch.
class Dropout2d : public detail::Dropout {
 public:
  explicit Dropout2d(double p = 0.5) : detail::Dropout("nn::Dropout2d", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return dropout2d(x, p, mode.training); }
};

// Shapes: (N, C, D, H, W) or (C, D, H, W), unchanged.
class Dropout3d : public detail::Dropout {
 public:
  explicit Dropout3d(double p = 0.5) : detail::Dropout("nn::Dropout3d", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return dropout3d(x, p, mode.training); }
};

// Keeps mean 0 and variance 1, for networks of SELU (torch.nn.AlphaDropout).
class AlphaDropout : public detail::Dropout {
 public:
  explicit AlphaDropout(double p = 0.5) : detail::Dropout("nn::AlphaDropout", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return alpha_dropout(x, p, mode.training); }
};

// The same for whole channels (torch.nn.FeatureAlphaDropout). Shapes: (N, C, ...), unchanged.
class FeatureAlphaDropout : public detail::Dropout {
 public:
  explicit FeatureAlphaDropout(double p = 0.5) : detail::Dropout("nn::FeatureAlphaDropout", p) {}
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return feature_alpha_dropout(x, p, mode.training); }
};

}  // namespace mica::nn
