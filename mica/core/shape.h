// Sizes or strides of up to eight dimensions, held inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace mica {

inline constexpr int max_dims = 8;

// A short list of integers: the sizes of a tensor or its strides (in elements).
// Errors: more than eight entries.
class Shape {
 public:
  Shape() = default;
  Shape(std::int64_t only) : Shape({only}) {}  // one entry, so that sum(0) and view(-1) read well
  Shape(std::initializer_list<std::int64_t> values) : Shape(values.begin(), values.size()) {}
  Shape(std::span<const std::int64_t> values) : Shape(values.data(), values.size()) {}
  Shape(const std::vector<std::int64_t>& values) : Shape(values.data(), values.size()) {}
  // `count` entries, all `value`.
  static Shape filled(int count, std::int64_t value);

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t& operator[](int i) { return values_[static_cast<unsigned>(i)]; }
  std::int64_t operator[](int i) const { return values_[static_cast<unsigned>(i)]; }
  std::int64_t back() const { return values_[static_cast<unsigned>(size_ - 1)]; }
  const std::int64_t* data() const { return values_.data(); }
  const std::int64_t* begin() const { return values_.data(); }
  const std::int64_t* end() const { return values_.data() + size_; }
  std::int64_t* begin() { return values_.data(); }
  std::int64_t* end() { return values_.data() + size_; }

  void push_back(std::int64_t value);
  void insert(int position, std::int64_t value);
  void erase(int position);

  // Product of the entries; 1 when empty.
  std::int64_t numel() const {
    std::int64_t n = 1;
    for (int i = 0; i < size_; ++i) n *= values_[static_cast<unsigned>(i)];
    return n;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

 private:
  Shape(const std::int64_t* values, std::size_t count);
  std::array<std::int64_t, max_dims> values_;  // only the first size_ entries have a meaning
  std::uint8_t size_ = 0;
};

// "[2, 3]"
std::string to_string(const Shape& shape);

// Row-major strides of a contiguous tensor of these sizes.
Shape contiguous_strides(const Shape& sizes);

// True when elements follow each other in row-major order; dimensions of size 1 may have any stride.
bool is_contiguous(const Shape& sizes, const Shape& strides);

// True when the elements fill one block without gaps or overlap, in some order of the dimensions.
bool is_dense(const Shape& sizes, const Shape& strides);

// The NumPy broadcast of two shapes. Errors: sizes that differ and are not 1; `operation` is named.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation);

// Maps -rank..rank-1 to 0..rank-1. Errors: out of range; `operation` is named.
int wrap_dim(std::int64_t dim, int rank, const char* operation);

}  // namespace mica
