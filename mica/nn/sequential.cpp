#include <fmt/format.h>

#include <mica/nn/sequential.h>

namespace mica::nn {

AnyModule& Sequential::operator[](std::size_t i) {
  if (i >= stages_.size())
    throw Error("Sequential", fmt::format("index {} is out of range for {} stages", i, stages_.size()));
  return stages_[i];
}

Tensor Sequential::forward(Tensor x) {
  for (AnyModule& stage : stages_) x = stage(std::move(x));
  return x;
}

}  // namespace mica::nn
