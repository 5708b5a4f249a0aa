// Layers for what max pooling left: fractional pooling and the way back.
#pragma once

#include <string_view>
#include <vector>

#include <mica/nn/dims.h>
#include <mica/nn/pooling.h>
#include <mica/ops/fractional_pool.h>
#include <mica/ops/unpool.h>

namespace mica::nn {

struct MaxUnpoolOptions {
  Shape stride = {};  // the kernel size unless given
  Shape padding = 0;
};
namespace detail {
std::string describe_unpool(int dims, const Shape& kernel_size, const MaxUnpoolOptions& options);
}

// The partial inverse of MaxPool2d (torch.nn.MaxUnpool2d...): unpool(y, indices), or with the size to reach,
// unpool(y, indices, x.sizes()). Shapes as mica::max_unpool2d.
//   auto [y, indices] = pool.with_indices(x);
template <int dims> class MaxUnpool : public Module {
 public:
  explicit MaxUnpool(const Shape& kernel, const MaxUnpoolOptions& o = {}) : kernel_size(kernel), options(o) {}
  Shape kernel_size;
  MaxUnpoolOptions options;
  std::string extra_repr() const { return detail::describe_unpool(dims, kernel_size, options); }
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  MaxUnpool() = default;
  Tensor forward(const Tensor& x, const Tensor& indices, const Shape& output_size = {}) {
    return detail::by_dims<dims>(max_unpool1d, max_unpool2d, max_unpool3d)(
        x, indices, kernel_size,
        {.stride = options.stride, .padding = options.padding, .output_size = output_size});
  }
};
using MaxUnpool1d = MaxUnpool<1>;
using MaxUnpool2d = MaxUnpool<2>;
using MaxUnpool3d = MaxUnpool<3>;

// One of the two; shapes as mica::fractional_max_pool2d.
struct FractionalMaxPoolOptions {
  Shape output_size = {};
  std::vector<double> output_ratio = {};
};
namespace detail {
void check_fractional(std::string_view type, const FractionalMaxPoolOptions& options);
}

// torch.nn.FractionalMaxPool2d and 3d: draws other windows at each call, from the default generator.
template <int dims> class FractionalMaxPool : public Module {
 public:
  // Errors: both or neither of the options; a ratio that is not between 0 and 1.
  FractionalMaxPool(const Shape& kernel, const FractionalMaxPoolOptions& o)
      : kernel_size(kernel), options(o) {
    detail::check_fractional(dims == 2 ? "FractionalMaxPool2d" : "FractionalMaxPool3d", options);
  }
  Shape kernel_size;
  FractionalMaxPoolOptions options;
  // A call that also tells where the values were (return_indices=True). Hooks do not see it.
  ValuesIndices with_indices(const Tensor& x) const {
    const auto pool = dims == 2 ? fractional_max_pool2d_with_indices : fractional_max_pool3d_with_indices;
    return pool(x, kernel_size, sizes(), default_generator());
  }
  std::string extra_repr() const { return {}; }  // as PyTorch's
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  FractionalMaxPool() = default;
  mica::FractionalMaxPoolOptions sizes() const {
    return {.output_size = options.output_size, .output_ratio = options.output_ratio, .random_samples = {}};
  }
  Tensor forward(const Tensor& x) {
    const auto pool = dims == 2 ? fractional_max_pool2d : fractional_max_pool3d;
    return pool(x, kernel_size, sizes(), default_generator());
  }
};
using FractionalMaxPool2d = FractionalMaxPool<2>;
using FractionalMaxPool3d = FractionalMaxPool<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::MaxUnpool<dims>> = nn::detail::numbered_type("MaxUnpool", dims);
template <int dims>
inline constexpr auto type_text<nn::FractionalMaxPool<dims>> =
    nn::detail::numbered_type("FractionalMaxPool", dims);
}  // namespace mica::reflect::detail
