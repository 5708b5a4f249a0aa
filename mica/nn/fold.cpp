#include <fmt/format.h>

#include <mica/nn/fold.h>
#include <mica/nn/tuple.h>

namespace mica::nn {

std::string Unfold::extra_repr() const {
  return fmt::format("kernel_size={}, dilation={}, padding={}, stride={}", detail::show_sizes(kernel_size),
                     detail::show_sizes(options.dilation), detail::show_sizes(options.padding),
                     detail::show_sizes(options.stride));
}

std::string Fold::extra_repr() const {
  return fmt::format("output_size={}, kernel_size={}, dilation={}, padding={}, stride={}",
                     detail::show_sizes(output_size), detail::show_sizes(kernel_size),
                     detail::show_sizes(options.dilation), detail::show_sizes(options.padding),
                     detail::show_sizes(options.stride));
}

}  // namespace mica::nn
