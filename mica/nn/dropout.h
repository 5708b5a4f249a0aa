// Dropout layers: they drop while training and pass their input through in evaluation.
#pragma once

#include <string>
#include <string_view>

#include <mica/nn/module.h>
#include <mica/ops/dropout.h>

namespace mica::nn {

namespace detail {
using DropoutFunction = Tensor (*)(const Tensor& x, double p, bool training);
void check_dropout(std::string_view type, double p);
std::string describe_dropout(double p);
}  // namespace detail

// The layer of a function of mica/ops/dropout.h, with its shapes.
template <detail::DropoutFunction function> class DropoutLayer : public Module {
 public:
  // Errors: p outside [0, 1].
  explicit DropoutLayer(double p = 0.5) : p(p) {
    detail::check_dropout(reflect::type_name<DropoutLayer>(), p);
  }
  double p;
  Mode mode;
  std::string extra_repr() const { return detail::describe_dropout(p); }
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return function(x, p, mode.training); }
};

// Zeroes elements with probability p, scales the rest by 1 / (1 - p) (torch.nn.Dropout).
using Dropout = DropoutLayer<mica::dropout>;
// Zero whole channels (torch.nn.Dropout1d...).
using Dropout1d = DropoutLayer<mica::dropout1d>;
using Dropout2d = DropoutLayer<mica::dropout2d>;
using Dropout3d = DropoutLayer<mica::dropout3d>;
// Keeps mean 0 and variance 1, for networks of SELU (torch.nn.AlphaDropout).
using AlphaDropout = DropoutLayer<mica::alpha_dropout>;
// The same for whole channels (torch.nn.FeatureAlphaDropout).
using FeatureAlphaDropout = DropoutLayer<mica::feature_alpha_dropout>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <> inline constexpr auto type_text<nn::Dropout> = std::string_view("Dropout");
template <> inline constexpr auto type_text<nn::Dropout1d> = std::string_view("Dropout1d");
template <> inline constexpr auto type_text<nn::Dropout2d> = std::string_view("Dropout2d");
template <> inline constexpr auto type_text<nn::Dropout3d> = std::string_view("Dropout3d");
template <> inline constexpr auto type_text<nn::AlphaDropout> = std::string_view("AlphaDropout");
template <>
inline constexpr auto type_text<nn::FeatureAlphaDropout> = std::string_view("FeatureAlphaDropout");
}  // namespace mica::reflect::detail
