// New tensors.
#pragma once

#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <vector>

#include <mica/core/random.h>
#include <mica/tensor/tensor.h>

namespace mica {

Tensor zeros(const Shape& sizes, DType dtype = f32);
Tensor ones(const Shape& sizes, DType dtype = f32);
Tensor full(const Shape& sizes, Scalar value, DType dtype = f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
// first, first + step, ... before last. i64 when all are integers, else f32, unless a dtype is given.
Tensor arange(Scalar last);
Tensor arange(Scalar first, Scalar last, Scalar step = 1);
Tensor arange(Scalar first, Scalar last, Scalar step, DType dtype);
// The identity matrix (n, m); m defaults to n.
Tensor eye(std::int64_t n, std::int64_t m = -1, DType dtype = f32);

// Uniform on [0, 1), standard normal, uniform integers on [low, high), a permutation of 0..n-1. From the
// default generator, or one of your own.
Tensor rand(const Shape& sizes, DType dtype = f32);
Tensor randn(const Shape& sizes, DType dtype = f32);
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, DType dtype = i64);
Tensor randperm(std::int64_t n);
Tensor rand(const Shape& sizes, Generator& generator, DType dtype = f32);
Tensor randn(const Shape& sizes, Generator& generator, DType dtype = f32);
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, Generator& generator,
               DType dtype = i64);
Tensor randperm(std::int64_t n, Generator& generator);

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

// tensor(3.5), tensor({1, 2, 3}), tensor({{1.0, 2.0}, {3.0, 4.0}}). Errors: rows of different lengths.
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
[[noreturn]] void throw_ragged();
}
template <class T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  std::vector<T> flat;
  const std::size_t width = rows.size() == 0 ? 0 : rows.begin()->size();
  for (const auto& row : rows) {
    if (row.size() != width) detail::throw_ragged();
    flat.insert(flat.end(), row.begin(), row.end());
  }
  return detail::from_list(flat.begin(), static_cast<std::int64_t>(flat.size()),
                           {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(width)});
}
namespace detail {
void check_count(std::size_t count, const Shape& sizes);
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
template <class T> Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, Shape(static_cast<std::int64_t>(values.size())));
}

}  // namespace mica
