// Normalisation layers.
#pragma once

#include <optional>
#include <string_view>

#include <mica/nn/dims.h>
#include <mica/nn/module.h>

namespace mica::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // nullopt: the plain average over all batches so far
  bool affine = true;
  bool track_running_stats = true;  // without, the batch's own statistics serve in evaluation too
  DType dtype = f32;
};

namespace detail {
// What a layer takes.
struct NormInput {
  int least, most;    // dimensions
  int channel;        // which of them the channels are
  const char* shape;  // in words
  bool any_channels;  // if it has neither weights nor statistics
};

// What batch and instance normalisation share.
class ChannelNorm : public Module {
 public:
  std::int64_t num_features = 0;
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;
  bool affine = true, track_running_stats = true;
  Parameter weight, bias;            // (C), absent without affine
  Buffer running_mean, running_var;  // (C), absent without track_running_stats
  Buffer num_batches_tracked;        // () i64
  Mode mode;

  void reset_running_stats();
  void reset_parameters();
  std::string extra_repr() const;

 protected:
  ChannelNorm() = default;
  ChannelNorm(std::string_view type, std::int64_t num_features, const BatchNormOptions& options);
  void check(std::string_view type, const NormInput& input, const Tensor& x) const;
  Tensor normalize_batch(const Tensor& x);
  // `dims`: those behind the channels.
  Tensor normalize_instances(const Tensor& x, int dims) const;
};
}  // namespace detail

// Per-channel normalisation over the batch and the dimensions behind the channels (torch.nn.BatchNorm1d...).
// Shapes: (N, C) or (N, C, L); (N, C, H, W); (N, C, D, H, W), unchanged.
template <int dims> class BatchNorm : public detail::ChannelNorm {
 public:
  using Options = BatchNormOptions;
  explicit BatchNorm(std::int64_t num_features, const BatchNormOptions& options = {})
      : ChannelNorm(reflect::type_name<BatchNorm>(), num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  BatchNorm() = default;
  static constexpr detail::NormInput input{.least = dims == 1 ? 2 : dims + 2,
                                           .most = dims + 2,
                                           .channel = 1,
                                           .shape = dims == 1   ? "(N, C) or (N, C, L)"
                                                    : dims == 2 ? "(N, C, H, W)"
                                                                : "(N, C, D, H, W)",
                                           .any_channels = false};
  Tensor forward(const Tensor& x) {
    check(reflect::type_name<BatchNorm>(), input, x);
    return normalize_batch(x);
  }
};
using BatchNorm1d = BatchNorm<1>;
using BatchNorm2d = BatchNorm<2>;
using BatchNorm3d = BatchNorm<3>;

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;  // only with elementwise_affine
  DType dtype = f32;
};

// Normalisation of each sample over its last dimensions (torch.nn.LayerNorm). Shapes: (...,
// normalized_shape), unchanged.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});

  Shape normalized_shape;
  double eps = 1e-5;
  bool elementwise_affine = true;
  Parameter weight, bias;  // normalized_shape, absent without elementwise_affine

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(normalized_shape, eps, elementwise_affine, weight, bias)

 private:
  friend Module;
  LayerNorm() = default;
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::BatchNorm<dims>> = nn::detail::numbered_type("BatchNorm", dims);
}  // namespace mica::reflect::detail
