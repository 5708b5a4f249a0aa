#include <limits>

#include <gtest/gtest.h>
#include <tests/kernels/strided.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>

namespace mica::kernels::testing {
namespace {

class CompareKernel : public EveryTarget {};
class WhereKernel : public EveryTarget {};
INSTANTIATE_TEST_SUITE_P(Targets, CompareKernel, ::testing::ValuesIn(supported_targets()), target_name);
INSTANTIATE_TEST_SUITE_P(Targets, WhereKernel, ::testing::ValuesIn(supported_targets()), target_name);

// Calls fn(offsets) for every position, with the offset of the element in each operand.
template <class Fn>
void for_each_position(const Shape& sizes, std::initializer_list<const Shape*> strides, Fn fn) {
  for (std::int64_t n = 0; n < sizes.numel(); ++n) {
    std::vector<std::int64_t> offsets(strides.size());
    std::int64_t rest = n;
    for (int i = sizes.size() - 1; i >= 0; --i) {
      std::size_t k = 0;
      for (const Shape* s : strides) offsets[k++] += rest % sizes[i] * (*s)[i];
      rest /= sizes[i];
    }
    fn(offsets);
  }
}

template <class T> bool holds(Compare op, T a, T b) {
  switch (op) {
    case Compare::eq: return a == b;
    case Compare::ne: return a != b;
    case Compare::lt: return a < b;
    case Compare::le: return a <= b;
    case Compare::gt: return a > b;
    case Compare::ge: return a >= b;
  }
  return false;
}

template <class T> void check_compare(Compare op, Rng& rng) {
  for (const Shape& sizes : test_shapes(rng)) {
    Strided<T> a(sizes, input_layouts[pick(rng, 0, 4)], rng);
    Strided<T> b(sizes, input_layouts[pick(rng, 0, 4)], rng);
    // A few values only, so that many are equal; NaN among them.
    const T values[] = {T{0}, T{1}, std::numeric_limits<T>::lowest(), random_value<T>(rng),
                        random_value<T>(rng)};
    a.fill([&] { return values[pick(rng, 0, 4)]; });
    b.fill([&] { return values[pick(rng, 0, 4)]; });
    Strided<bool> actual(sizes, output_layouts[pick(rng, 0, 3)], rng);
    actual.fill([] { return std::uint8_t{7}; });
    Strided<bool> expected = actual;
    compare(op, dtype_of<T>, sizes, a, b, actual);
    for_each_position(sizes, {&a.strides, &b.strides, &expected.strides}, [&](const auto& at) {
      expected.data()[at[2]] = holds<T>(op, a.data()[at[0]], b.data()[at[1]]);
    });
    ASSERT_TRUE(same_storage(actual, expected)) << "op " << static_cast<int>(op);
  }
}

TEST_P(CompareKernel, AgreesWithPlainComparisonOnEveryLayout) {
  Rng rng(1);
  for (const Compare op : {Compare::eq, Compare::ne, Compare::lt, Compare::le, Compare::gt, Compare::ge}) {
    check_compare<float>(op, rng);
    check_compare<double>(op, rng);
    check_compare<std::int64_t>(op, rng);
    check_compare<std::int32_t>(op, rng);
    check_compare<std::uint8_t>(op, rng);
  }
}

TEST_P(CompareKernel, IsFalseForNanExceptNotEqual) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Compare op : {Compare::eq, Compare::ne, Compare::lt, Compare::le, Compare::gt, Compare::ge}) {
    std::uint8_t result = 7;
    compare(op, f32, {}, {&nan, {}}, {&nan, {}}, {&result, {}});
    EXPECT_EQ(result, op == Compare::ne);
  }
}

TEST(Compare, RefusesStorageTypes) {
  std::uint16_t x[2] = {};
  EXPECT_THROW(compare(Compare::lt, bf16, {2}, {x, {1}}, {x, {1}}, {x, {1}}), Error);
}

template <class T> void check_where(Rng& rng) {
  for (const Shape& sizes : test_shapes(rng)) {
    Strided<bool> condition(sizes, input_layouts[pick(rng, 0, 4)], rng);
    Strided<T> a(sizes, input_layouts[pick(rng, 0, 4)], rng);
    Strided<T> b(sizes, input_layouts[pick(rng, 0, 4)], rng);
    condition.fill([&] { return static_cast<std::uint8_t>(pick(rng, 0, 1)); });
    a.fill([&] { return random_value<T>(rng); });
    b.fill([&] { return random_value<T>(rng); });
    Strided<T> actual(sizes, output_layouts[pick(rng, 0, 3)], rng);
    Strided<T> expected = actual;
    where(dtype_of<T>, sizes, condition, a, b, actual);
    for_each_position(
        sizes, {&condition.strides, &a.strides, &b.strides, &expected.strides}, [&](const auto& at) {
          expected.data()[at[3]] = condition.data()[at[0]] != 0 ? a.data()[at[1]] : b.data()[at[2]];
        });
    ASSERT_TRUE(same_storage(actual, expected));
  }
}

TEST_P(WhereKernel, SelectsOnEveryLayoutAndDtype) {
  Rng rng(2);
  check_where<float>(rng);
  check_where<double>(rng);
  check_where<std::int64_t>(rng);
  check_where<std::int32_t>(rng);
  check_where<std::uint8_t>(rng);
  check_where<bool>(rng);
  check_where<BFloat16>(rng);
  check_where<Half>(rng);
}

}  // namespace
}  // namespace mica::kernels::testing
