#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <mica/nn/sequential.h>

namespace mica::nn {

namespace {

// A position from 0 to n - 1, or to `n` itself where it is one past the end.
std::int64_t position(std::int64_t i, std::size_t n, std::int64_t past_the_end) {
  const auto size = static_cast<std::int64_t>(n);
  const std::int64_t wrapped = i < 0 ? i + size : i;
  if (wrapped < 0 || wrapped >= size + past_the_end)
    throw Error("Sequential", fmt::format("index {} is out of range for {} stages", i, n));
  return wrapped;
}

}  // namespace

AnyModule& Sequential::operator[](std::int64_t i) {
  return stages_[static_cast<std::size_t>(position(i, stages_.size(), 0))];
}

Stages Sequential::operator[](const Slice& which) {
  if (which.step < 1) {
    throw Error("Sequential", fmt::format("a slice with step {}", which.step),
                "stages run forwards: give a step of 1 or more");
  }
  const auto size = static_cast<std::int64_t>(stages_.size());
  const auto clamped = [size](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t last = clamped(which.last.value_or(size));
  Stages some;
  for (std::int64_t i = clamped(which.first.value_or(0)); i < last; i += std::min(which.step, size))
    some.stages_.push_back(&stages_[static_cast<std::size_t>(i)]);
  return some;
}

void Sequential::insert(std::int64_t i, AnyModule module) {
  stages_.insert(stages_.begin() + position(i, stages_.size(), 1), std::move(module));
}

void Sequential::extend(Sequential other) {
  stages_.insert(stages_.end(), std::make_move_iterator(other.begin()), std::make_move_iterator(other.end()));
}

AnyModule Sequential::pop(std::int64_t i) {
  const auto place = stages_.begin() + position(i, stages_.size(), 0);
  AnyModule stage = std::move(*place);
  stages_.erase(place);
  return stage;
}

Tensor Sequential::forward(Tensor x) {
  for (AnyModule& stage : stages_) x = stage(std::move(x));
  return x;
}

Tensor Stages::operator()(Tensor x) const {
  for (AnyModule* stage : stages_) x = (*stage)(std::move(x));
  return x;
}

}  // namespace mica::nn
