#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/shape.h>

namespace mica {
namespace {

// The error that `fn` throws.
Error error_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error("", "");
}

TEST(Shape, is_made_from_lists_vectors_and_spans) {
  const std::vector<std::int64_t> values = {2, 3, 4};
  const Shape shape{2, 3, 4};
  EXPECT_EQ(Shape(values), shape);
  EXPECT_EQ(Shape(std::span<const std::int64_t>(values)), shape);
  EXPECT_EQ(shape.size(), 3);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(shape[1], 3);
  EXPECT_EQ(std::vector<std::int64_t>(shape.begin(), shape.end()), values);
  EXPECT_EQ(Shape::filled(3, 7), (Shape{7, 7, 7}));
  EXPECT_EQ(Shape::filled(0, 7), Shape{});
  EXPECT_TRUE(Shape{}.empty());
  EXPECT_FALSE(shape.empty());
}

TEST(Shape, equality_needs_the_same_length_and_entries) {
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_EQ(Shape{}, Shape{});
}

TEST(Shape, inserts_and_erases_anywhere) {
  Shape shape{1, 2, 3};
  shape.insert(0, 10);
  shape.insert(2, 20);
  shape.insert(5, 30);
  EXPECT_EQ(shape, (Shape{10, 1, 20, 2, 3, 30}));
  shape.erase(5);
  shape.erase(2);
  shape.erase(0);
  EXPECT_EQ(shape, (Shape{1, 2, 3}));
  shape.push_back(4);
  EXPECT_EQ(shape, (Shape{1, 2, 3, 4}));
}

TEST(Shape, holds_eight_dimensions_and_refuses_nine) {
  Shape shape = Shape::filled(8, 1);
  EXPECT_EQ(shape.size(), max_dims);
  EXPECT_THROW(shape.push_back(1), Error);
  EXPECT_THROW(shape.insert(0, 1), Error);
  EXPECT_EQ(shape, Shape::filled(8, 1));
  EXPECT_THROW(Shape::filled(9, 1), Error);
  EXPECT_THROW(Shape(std::vector<std::int64_t>(9, 1)), Error);
  EXPECT_NE(error_of([&] { shape.push_back(1); }).message().find("9 dimensions"), std::string::npos);
}

TEST(Shape, numel_is_the_product_of_the_entries) {
  EXPECT_EQ((Shape{2, 3, 4}).numel(), 24);
  EXPECT_EQ(Shape{}.numel(), 1);
  EXPECT_EQ((Shape{5, 0, 4}).numel(), 0);
}

TEST(Shape, prints_as_a_list) {
  EXPECT_EQ(to_string(Shape{2, 3}), "[2, 3]");
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(Shape{-1}), "[-1]");
}

TEST(ContiguousStrides, are_row_major) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(contiguous_strides({}), Shape{});
  EXPECT_EQ(contiguous_strides({2, 0, 4}), (Shape{4, 4, 1}));  // as PyTorch's: an empty dimension counts as 1
}

TEST(IsContiguous, accepts_row_major_order_only) {
  for (const Shape& sizes : {Shape{}, Shape{5}, Shape{2, 3, 4}, Shape{3, 1, 2}}) {
    EXPECT_TRUE(is_contiguous(sizes, contiguous_strides(sizes))) << to_string(sizes);
  }
  EXPECT_FALSE(is_contiguous({2, 3}, {1, 2}));  // transposed
  EXPECT_FALSE(is_contiguous({2, 3}, {6, 2}));  // every second
  EXPECT_FALSE(is_contiguous({2, 3}, {0, 1}));  // expanded
  EXPECT_FALSE(is_contiguous({3}, {-1}));       // reversed
}

TEST(IsContiguous, ignores_strides_that_are_never_stepped) {
  EXPECT_TRUE(is_contiguous({2, 1, 3}, {3, 77, 1}));
  EXPECT_TRUE(is_contiguous({1, 1}, {0, 0}));
  EXPECT_TRUE(is_contiguous({0, 3}, {99, 99}));
}

TEST(IsDense, accepts_any_order_without_gaps_or_overlap) {
  EXPECT_TRUE(is_dense({2, 3}, {3, 1}));
  EXPECT_TRUE(is_dense({2, 3}, {1, 2}));                // transposed
  EXPECT_TRUE(is_dense({2, 3, 4, 5}, {60, 1, 15, 3}));  // channels last
  EXPECT_TRUE(is_dense({2, 1, 3}, {1, 99, 2}));
  EXPECT_TRUE(is_dense({}, {}));
  EXPECT_TRUE(is_dense({0, 3}, {99, 99}));
  EXPECT_FALSE(is_dense({2, 3}, {6, 2}));  // gaps
  EXPECT_FALSE(is_dense({2, 3}, {0, 1}));  // overlap
  EXPECT_FALSE(is_dense({2, 2}, {1, 1}));  // overlap
  EXPECT_FALSE(is_dense({3}, {-1}));       // its first element is not its lowest
}

TEST(BroadcastShapes, follow_numpy) {
  const auto expect = [](const Shape& a, const Shape& b, const Shape& result) {
    EXPECT_EQ(broadcast_shapes(a, b, "add"), result) << to_string(a) << to_string(b);
    EXPECT_EQ(broadcast_shapes(b, a, "add"), result) << to_string(b) << to_string(a);
  };
  expect({2, 3}, {2, 3}, {2, 3});
  expect({2, 3}, {3}, {2, 3});
  expect({2, 3}, {2, 1}, {2, 3});
  expect({2, 1}, {1, 3}, {2, 3});
  expect({8, 1, 6, 1}, {7, 1, 5}, {8, 7, 6, 5});
  expect({}, {2, 3}, {2, 3});
  expect({}, {}, {});
  expect({0}, {1}, {0});
  expect({2, 0}, {2, 1}, {2, 0});
  expect({3, 1}, {0}, {3, 0});
}

TEST(BroadcastShapes, name_the_operation_the_shapes_and_the_dimension_that_differs) {
  const Error error = error_of([] { broadcast_shapes({4, 2, 3}, {5, 3}, "mul"); });
  EXPECT_EQ(error.operation(), "mul");
  EXPECT_EQ(error.message(), "shapes [4, 2, 3] and [5, 3] do not broadcast: sizes 2 and 5 at dimension -2");
  EXPECT_FALSE(error.hint().empty());
  const Error swapped = error_of([] { broadcast_shapes({5, 3}, {4, 2, 3}, "mul"); });
  EXPECT_EQ(swapped.message(), "shapes [5, 3] and [4, 2, 3] do not broadcast: sizes 5 and 2 at dimension -2");
}

TEST(BroadcastShapes, an_empty_dimension_meets_only_one_and_itself) {
  EXPECT_THROW(broadcast_shapes({0}, {2}, "add"), Error);
  EXPECT_EQ(broadcast_shapes({0, 1}, {0, 4}, "add"), (Shape{0, 4}));
}

TEST(WrapDim, counts_negative_dimensions_from_the_end) {
  EXPECT_EQ(wrap_dim(0, 3, "sum"), 0);
  EXPECT_EQ(wrap_dim(2, 3, "sum"), 2);
  EXPECT_EQ(wrap_dim(-1, 3, "sum"), 2);
  EXPECT_EQ(wrap_dim(-3, 3, "sum"), 0);
  EXPECT_EQ(wrap_dim(0, 0, "sum"), 0);
  EXPECT_EQ(wrap_dim(-1, 0, "sum"), 0);
}

TEST(WrapDim, refuses_dimensions_out_of_range_and_says_what_to_use) {
  for (const std::int64_t dim : {std::int64_t{3}, std::int64_t{-4}, INT64_MAX, INT64_MIN}) {
    const Error error = error_of([&] { wrap_dim(dim, 3, "sum"); });
    EXPECT_EQ(error.operation(), "sum");
    EXPECT_NE(error.message().find(std::to_string(dim)), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find("-3 to 2"), std::string::npos) << error.what();
  }
  EXPECT_THROW(wrap_dim(1, 0, "sum"), Error);
}

}  // namespace
}  // namespace mica
