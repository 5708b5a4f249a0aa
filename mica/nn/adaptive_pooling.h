// Pooling layers whose output has a size of your choice, -1 where it is that of the input (PyTorch's None).
#pragma once

#include <string_view>

#include <mica/nn/dims.h>
#include <mica/nn/pooling.h>
#include <mica/nn/tuple.h>
#include <mica/ops/adaptive_pool.h>

namespace mica::nn {

namespace detail {
// "output_size=(None, 3)"
std::string describe_output(const Shape& output_size);
}  // namespace detail

// torch.nn.AdaptiveAvgPool2d...; shapes as mica::adaptive_avg_pool2d.
template <int dims> class AdaptiveAvgPool : public Module {
 public:
  explicit AdaptiveAvgPool(const Shape& size) : output_size(size) {}
  Shape output_size;
  std::string extra_repr() const { return detail::describe_output(output_size); }
  NN_MEMBERS(output_size)

 private:
  friend Module;
  AdaptiveAvgPool() = default;
  Tensor forward(const Tensor& x) {
    return detail::by_dims<dims>(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)(x,
                                                                                                output_size);
  }
};
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;

// torch.nn.AdaptiveMaxPool2d...; shapes as mica::adaptive_max_pool2d.
template <int dims> class AdaptiveMaxPool : public Module {
 public:
  explicit AdaptiveMaxPool(const Shape& size) : output_size(size) {}
  Shape output_size;
  // A call that also tells where the values were (return_indices=True). Hooks do not see it.
  ValuesIndices with_indices(const Tensor& x) const {
    return detail::by_dims<dims>(adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices,
                                 adaptive_max_pool3d_with_indices)(x, output_size);
  }
  std::string extra_repr() const { return detail::describe_output(output_size); }
  NN_MEMBERS(output_size)

 private:
  friend Module;
  AdaptiveMaxPool() = default;
  Tensor forward(const Tensor& x) {
    return detail::by_dims<dims>(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)(x,
                                                                                                output_size);
  }
};
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::AdaptiveAvgPool<dims>> =
    nn::detail::numbered_type("AdaptiveAvgPool", dims);
template <int dims>
inline constexpr auto type_text<nn::AdaptiveMaxPool<dims>> =
    nn::detail::numbered_type("AdaptiveMaxPool", dims);
}  // namespace mica::reflect::detail
