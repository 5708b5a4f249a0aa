// Fully connected layers.
#pragma once

#include <mica/nn/module.h>

namespace mica::nn {

struct LinearOptions {
  bool bias = true;
  DType dtype = f32;
};

// y = x weight^T + bias (torch.nn.Linear). Starts from U(-1/sqrt(in), 1/sqrt(in)).
// Shapes: (..., in_features) -> (..., out_features).
class Linear : public Module {
 public:
  // Errors: negative sizes.
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {});

  std::int64_t in_features = 0, out_features = 0;
  Parameter weight;  // (out_features, in_features)
  Parameter bias;    // (out_features), absent without bias

  // A lazy layer that was not called yet is left alone.
  void reset_parameters();
  // For nn::summary: two for each weight that meets an element, nothing for the bias.
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;
  NN_MEMBERS(in_features, out_features, weight, bias)

 protected:
  Linear() = default;
  void reset_weight();
  void reset_bias();

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// y[..., o] = x1 weight[o] x2^T + bias[o] (torch.nn.Bilinear). Starts from U(-1/sqrt(in1), 1/sqrt(in1)).
// Shapes: (..., in1_features), (..., in2_features) -> (..., out_features).
class Bilinear : public Module {
 public:
  // Errors: negative sizes, in1 0.
  Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
           const LinearOptions& options = {});

  std::int64_t in1_features = 0, in2_features = 0, out_features = 0;
  Parameter weight;  // (out_features, in1_features, in2_features)
  Parameter bias;    // (out_features), absent without bias

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(in1_features, in2_features, out_features, weight, bias)

 private:
  friend Module;
  Bilinear() = default;
  Tensor forward(const Tensor& x1, const Tensor& x2);
};

// Returns its input (torch.nn.Identity).
struct Identity : Module {
  Tensor forward(Tensor x) { return x; }
};

}  // namespace mica::nn
