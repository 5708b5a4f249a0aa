// What may stand in the brackets of a tensor: x[1, Slice{0, -1}, Ellipsis, None, mask, rows].
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include <mica/tensor/tensor.h>

namespace mica {

// All dimensions that the other indices leave.
struct EllipsisIndex {};
inline constexpr EllipsisIndex Ellipsis;  // NOLINT(readability-identifier-naming): Python's name
// A new dimension of size 1.
struct NoneIndex {};
inline constexpr NoneIndex None;  // NOLINT(readability-identifier-naming): Python's name

// One index, made from what the user writes:
//   integer  that element; negative ones count from the end. A 0-d integer tensor is one
//   Slice    every step-th from first to last
//   Ellipsis, None
//   bool     a new dimension of size 1 or 0
//   Tensor   of integers: those elements; of bool: those where it is true, a mask of as many dimensions as it
//            has
class Index {
 public:
  enum class Kind : std::uint8_t { position, flag, slice, ellipsis, none, tensor };

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Index(T position) : kind_(Kind::position), position_(static_cast<std::int64_t>(position)) {}
  template <std::same_as<bool> T> Index(T flag) : kind_(Kind::flag), position_(flag ? 1 : 0) {}
  Index(const Slice& slice) : kind_(Kind::slice), slice_(slice) {}
  Index(EllipsisIndex) : kind_(Kind::ellipsis) {}
  Index(NoneIndex) : kind_(Kind::none) {}
  Index(Tensor positions_or_mask) : kind_(Kind::tensor), tensor_(std::move(positions_or_mask)) {}

  // Which of the others has a meaning.
  Kind kind() const { return kind_; }
  std::int64_t position() const { return position_; }
  bool flag() const { return position_ != 0; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;  // a std::variant would be a twentieth of the compile time of every program
  std::int64_t position_ = 0;
  Slice slice_;
  Tensor tensor_;
};

}  // namespace mica
