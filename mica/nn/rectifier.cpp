#include <fmt/format.h>

#include <mica/nn/init.h>
#include <mica/nn/rectifier.h>

namespace mica::nn {

PReLU::PReLU(std::int64_t count, const PReLUOptions& options) : num_parameters(count), init(options.init) {
  detail::forbid_construction_inside_forward("nn::PReLU");
  if (count < 0) throw Error("PReLU", fmt::format("num_parameters {} must not be negative", count));
  weight = Parameter(empty(Shape(count), options.dtype));
  reset_parameters();
}

void PReLU::reset_parameters() { init::constant_(weight, init); }

std::string PReLU::extra_repr() const { return fmt::format("num_parameters={}", num_parameters); }

}  // namespace mica::nn
