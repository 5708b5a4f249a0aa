// New tensors.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// Errors of all that take sizes: a negative one, or more bytes than can be counted.
Tensor zeros(const Shape& sizes, DType dtype = f32);
Tensor ones(const Shape& sizes, DType dtype = f32);
// f32 whatever the kind of `value`, unless a dtype is given (torch.full takes it from the value).
Tensor full(const Shape& sizes, Scalar value, DType dtype = f32);
// Shape, dense strides and, unless another is given, dtype of x.
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor ones_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype = {});

// first, first + step, ... before last. i64 when all are integers, else f32, unless a dtype is given.
// Errors: a step of 0, or one that leads away from `last`.
Tensor arange(Scalar last);
Tensor arange(Scalar first, Scalar last, Scalar step = 1);
Tensor arange(Scalar first, Scalar last, Scalar step, DType dtype);
// `steps` numbers at equal distances, the first and the last included; integers are truncated.
// Errors: steps < 0.
Tensor linspace(double first, double last, std::int64_t steps, DType dtype = f32);
// base to the power of each of linspace's.
Tensor logspace(double first, double last, std::int64_t steps, double base = 10, DType dtype = f32);
// The identity matrix (n, m); m defaults to n.
Tensor eye(std::int64_t n, std::optional<std::int64_t> m = {}, DType dtype = f32);

namespace detail {
// C++ numbers take the dtype that PyTorch gives to Python's: integers i64, floating point f32, bool bool.
template <class T>
inline constexpr DType literal_dtype = std::is_same_v<T, bool> ? boolean
                                       : std::is_integral_v<T> ? i64
                                                               : f32;
Tensor from_values(const double* values, const std::int64_t* integers, const Shape& sizes, DType dtype);

template <class Iterator> Tensor from_list(Iterator values, std::int64_t count, const Shape& sizes) {
  using T = std::iterator_traits<Iterator>::value_type;
  std::vector<double> reals(values, values + count);
  std::vector<std::int64_t> integers;
  if constexpr (std::is_integral_v<T>) integers.assign(values, values + count);
  return from_values(reals.data(), integers.empty() ? nullptr : integers.data(), sizes, literal_dtype<T>);
}
}  // namespace detail

// tensor(3.5), tensor({1, 2, 3}), tensor({{1.0, 2.0}, {3.0, 4.0}}), and three levels of braces.
// Errors: rows of different lengths.
template <class T>
  requires std::is_arithmetic_v<T>
Tensor tensor(T value) {
  return detail::from_list(&value, 1, {});
}
template <class T> Tensor tensor(std::initializer_list<T> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return detail::from_list(values.begin(), n, Shape(n));
}
namespace detail {
[[noreturn]] void throw_ragged(std::size_t expected, std::size_t found);

// The number of elements of each row; 0 where there is none.
template <class Rows> std::size_t common_length(const Rows& rows) {
  const std::size_t length = rows.size() == 0 ? 0 : rows.begin()->size();
  for (const auto& row : rows) {
    if (row.size() != length) throw_ragged(length, row.size());
  }
  return length;
}
void check_count(std::size_t count, const Shape& sizes);
}  // namespace detail

template <class T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  const std::size_t columns = detail::common_length(rows);
  std::vector<T> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return detail::from_list(flat.begin(), static_cast<std::int64_t>(flat.size()),
                           {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)});
}
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> matrices) {
  const std::size_t rows = detail::common_length(matrices);
  std::size_t columns = 0;
  std::vector<T> flat;
  for (const auto& matrix : matrices) {
    const std::size_t length = detail::common_length(matrix);
    if (&matrix != matrices.begin() && length != columns) detail::throw_ragged(columns, length);
    columns = length;
    for (const auto& row : matrix) flat.insert(flat.end(), row.begin(), row.end());
  }
  return detail::from_list(flat.begin(), static_cast<std::int64_t>(flat.size()),
                           {static_cast<std::int64_t>(matrices.size()), static_cast<std::int64_t>(rows),
                            static_cast<std::int64_t>(columns)});
}

// A tensor over memory that stays the caller's and must outlive it: no copy. One dimension unless sizes are
// given. Errors: sizes for another number of elements.
template <class T, std::size_t extent>
  requires(!std::is_const_v<T>)
Tensor from_blob(std::span<T, extent> values, const Shape& sizes) {
  detail::check_count(values.size(), sizes);
  return from_blob(values.data(), sizes, dtype_of<T>);
}
template <class T, std::size_t extent>
  requires(!std::is_const_v<T>)
Tensor from_blob(std::span<T, extent> values) {
  return from_blob(values, Shape(static_cast<std::int64_t>(values.size())));
}

// A copy of the vector with the vector's own element type; one dimension unless sizes are given. Errors:
// sizes for another number of elements.
template <class T> Tensor from_vector(const std::vector<T>& values, const Shape& sizes) {
  detail::check_count(values.size(), sizes);
  if constexpr (std::is_same_v<T, bool>)  // packed bits
    return detail::from_list(values.begin(), static_cast<std::int64_t>(values.size()), sizes);
  else
    return from_blob(const_cast<T*>(values.data()), sizes, dtype_of<T>).clone();
}
// The same without a copy: from_vector(std::move(values)) takes the vector and keeps it alive.
template <class T>
  requires(!std::is_same_v<T, bool>)
Tensor from_vector(std::vector<T>&& values, const Shape& sizes) {
  detail::check_count(values.size(), sizes);
  auto owner = std::make_shared<std::vector<T>>(std::move(values));
  T* data = owner->data();
  return from_blob(data, sizes, dtype_of<T>, std::move(owner));
}
template <class T> Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, Shape(static_cast<std::int64_t>(values.size())));
}
template <class T>
  requires(!std::is_same_v<T, bool>)
Tensor from_vector(std::vector<T>&& values) {
  const Shape sizes(static_cast<std::int64_t>(values.size()));
  return from_vector(std::move(values), sizes);
}

}  // namespace mica
