#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/core/shape.h>

namespace mica {

Shape::Shape(const std::int64_t* values, std::size_t count) {
  if (count > max_dims) {
    throw Error("Shape", fmt::format("{} dimensions, but a tensor has at most {}", count, max_dims));
  }
  std::copy_n(values, count, values_.begin());
  size_ = static_cast<std::uint8_t>(count);
}

Shape Shape::filled(int count, std::int64_t value) {
  Shape out;
  for (int i = 0; i < count; ++i) out.push_back(value);
  return out;
}

void Shape::push_back(std::int64_t value) { insert(size_, value); }

void Shape::insert(int position, std::int64_t value) {
  if (size_ == max_dims) {
    throw Error("Shape", fmt::format("{} dimensions, but a tensor has at most {}", size_ + 1, max_dims));
  }
  std::copy_backward(begin() + position, end(), end() + 1);
  values_[static_cast<unsigned>(position)] = value;
  ++size_;
}

void Shape::erase(int position) {
  std::copy(begin() + position + 1, end(), begin() + position);
  --size_;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Shape contiguous_strides(const Shape& sizes) {
  Shape strides = sizes;
  std::int64_t step = 1;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<std::int64_t>(sizes[i], 1);
  }
  return strides;
}

bool is_contiguous(const Shape& sizes, const Shape& strides) {
  std::int64_t step = 1;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 0) return true;
  }
  for (int i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 1) continue;
    if (strides[i] != step) return false;
    step *= sizes[i];
  }
  return true;
}

bool is_dense(const Shape& sizes, const Shape& strides) {
  std::array<int, max_dims> order{};
  int count = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1) order[static_cast<unsigned>(count++)] = i;
  }
  std::sort(order.begin(), order.begin() + count, [&](int a, int b) { return strides[a] < strides[b]; });
  std::int64_t step = 1;
  for (int k = 0; k < count; ++k) {
    const int i = order[static_cast<unsigned>(k)];
    if (strides[i] != step) return false;
    step *= sizes[i];
  }
  return true;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation) {
  if (a == b) return a;
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const int lead = longer.size() - shorter.size();
  for (int i = 0; i < shorter.size(); ++i) {
    const std::int64_t x = longer[lead + i];
    const std::int64_t y = shorter[i];
    if (x != y && x != 1 && y != 1) {
      throw Error(operation,
                  fmt::format("shapes {} and {} do not broadcast: sizes {} and {} at dimension {}",
                              to_string(a), to_string(b), a[a.size() - shorter.size() + i],
                              b[b.size() - shorter.size() + i], i - shorter.size()),
                  "sizes must be equal or 1, counted from the last dimension");
    }
    out[lead + i] = x == 1 ? y : x;
  }
  return out;
}

int wrap_dim(std::int64_t dim, int rank, const char* operation) {
  const int range = std::max(rank, 1);  // a 0-d tensor takes 0 and -1, as in PyTorch
  if (dim < -range || dim >= range) {
    throw Error(operation,
                fmt::format("dimension {} is out of range for a tensor of {} dimensions", dim, rank),
                fmt::format("use {} to {}", -range, range - 1));
  }
  return static_cast<int>(dim < 0 ? dim + range : dim);
}

}  // namespace mica
