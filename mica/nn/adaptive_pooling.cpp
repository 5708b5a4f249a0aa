#include <fmt/format.h>

#include <mica/nn/adaptive_pooling.h>

namespace mica::nn::detail {

std::string describe_output(const Shape& output_size) {
  std::string sizes;
  for (const std::int64_t n : output_size)
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", n == -1 ? "None" : fmt::format("{}", n));
  return "output_size=" + (output_size.size() == 1 ? sizes : "(" + sizes + ")");
}

}  // namespace mica::nn::detail
