// What may stand in the brackets of a tensor: x[1, Slice{0, -1}, Ellipsis, None, mask, rows].
#pragma once

#include <concepts>
#include <cstdint>
#include <variant>

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
  using Value = std::variant<std::int64_t, bool, Slice, EllipsisIndex, NoneIndex, Tensor>;

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Index(T position) : value_(static_cast<std::int64_t>(position)) {}
  template <std::same_as<bool> T> Index(T flag) : value_(flag) {}
  Index(const Slice& slice) : value_(slice) {}
  Index(EllipsisIndex) : value_(Ellipsis) {}
  Index(NoneIndex) : value_(None) {}
  Index(Tensor positions_or_mask) : value_(std::move(positions_or_mask)) {}

  const Value& value() const { return value_; }

 private:
  Value value_;
};

}  // namespace mica
