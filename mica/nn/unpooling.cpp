#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/nn/tuple.h>
#include <mica/nn/unpooling.h>
#include <mica/ops/sizes.h>

namespace mica::nn::detail {

std::string describe_unpool(int dims, const Shape& kernel_size, const MaxUnpoolOptions& o) {
  const auto each = [&](const Shape& sizes) {
    return show_tuple(ops::for_each_dim("MaxUnpool", "size", sizes, dims));
  };
  return fmt::format("kernel_size={}, stride={}, padding={}", each(kernel_size),
                     each(o.stride.empty() ? kernel_size : o.stride), each(o.padding));
}

void check_fractional(std::string_view type, const FractionalMaxPoolOptions& o) {
  if (o.output_size.empty() == o.output_ratio.empty())
    throw Error(std::string(type), "output_size and output_ratio", "give one of the two");
  if (!std::ranges::all_of(o.output_ratio, [](double r) { return r > 0 && r < 1; })) {
    throw Error(std::string(type),
                fmt::format("output_ratio [{}] must be between 0 and 1", fmt::join(o.output_ratio, ", ")));
  }
}

}  // namespace mica::nn::detail
