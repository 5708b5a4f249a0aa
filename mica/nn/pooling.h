// Pooling layers of one, two and three dimensions. Sizes are one number for all dimensions, or one for each.
#pragma once

#include <string>
#include <string_view>

#include <mica/nn/dims.h>
#include <mica/nn/module.h>
#include <mica/ops/pool.h>

namespace mica::nn {

namespace detail {

// One of three by the number of dimensions.
template <int dims, class T> constexpr T by_dims(T one, T two, T three) {
  static_assert(dims >= 1 && dims <= 3);
  return dims == 1 ? one : dims == 2 ? two : three;
}

std::string describe(const Shape& kernel_size, const MaxPoolOptions& options);
std::string describe(int dims, const Shape& kernel_size, const AvgPoolOptions& options);
std::string describe(double norm_type, const Shape& kernel_size, const LPPoolOptions& options);

}  // namespace detail

// torch.nn.MaxPool2d...; shapes and options as mica::max_pool2d.
template <int dims> class MaxPool : public Module {
 public:
  explicit MaxPool(const Shape& kernel, const MaxPoolOptions& o = {}) : kernel_size(kernel), options(o) {}
  Shape kernel_size;
  MaxPoolOptions options;
  // A call that also tells where the values were, for MaxUnpool (return_indices=True). Hooks do not see it.
  ValuesIndices with_indices(const Tensor& x) const {
    return detail::by_dims<dims>(max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices)(
        x, kernel_size, options);
  }
  std::string extra_repr() const { return detail::describe(kernel_size, options); }
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  MaxPool() = default;
  Tensor forward(const Tensor& x) {
    return detail::by_dims<dims>(max_pool1d, max_pool2d, max_pool3d)(x, kernel_size, options);
  }
};
using MaxPool1d = MaxPool<1>;
using MaxPool2d = MaxPool<2>;
using MaxPool3d = MaxPool<3>;

// torch.nn.AvgPool2d...; shapes and options as mica::avg_pool2d.
template <int dims> class AvgPool : public Module {
 public:
  explicit AvgPool(const Shape& kernel, const AvgPoolOptions& o = {}) : kernel_size(kernel), options(o) {}
  Shape kernel_size;
  AvgPoolOptions options;
  std::string extra_repr() const { return detail::describe(dims, kernel_size, options); }
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  AvgPool() = default;
  Tensor forward(const Tensor& x) {
    return detail::by_dims<dims>(avg_pool1d, avg_pool2d, avg_pool3d)(x, kernel_size, options);
  }
};
using AvgPool1d = AvgPool<1>;
using AvgPool2d = AvgPool<2>;
using AvgPool3d = AvgPool<3>;

// torch.nn.LPPool2d...; shapes and options as mica::lp_pool2d.
template <int dims> class LPPool : public Module {
 public:
  LPPool(double norm, const Shape& kernel, const LPPoolOptions& o = {})
      : norm_type(norm), kernel_size(kernel), options(o) {}
  double norm_type = 2;
  Shape kernel_size;
  LPPoolOptions options;
  std::string extra_repr() const { return detail::describe(norm_type, kernel_size, options); }
  NN_MEMBERS(norm_type, kernel_size, options)

 private:
  friend Module;
  LPPool() = default;
  Tensor forward(const Tensor& x) {
    return detail::by_dims<dims>(lp_pool1d, lp_pool2d, lp_pool3d)(x, norm_type, kernel_size, options);
  }
};
using LPPool1d = LPPool<1>;
using LPPool2d = LPPool<2>;
using LPPool3d = LPPool<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::MaxPool<dims>> = nn::detail::numbered_type("MaxPool", dims);
template <int dims>
inline constexpr auto type_text<nn::AvgPool<dims>> = nn::detail::numbered_type("AvgPool", dims);
template <int dims>
inline constexpr auto type_text<nn::LPPool<dims>> = nn::detail::numbered_type("LPPool", dims);
}  // namespace mica::reflect::detail
