#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/data/dataset.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::data {
namespace {

using Indices = std::vector<std::int64_t>;

// Row i is 10 i, 10 i + 1, 10 i + 2; its target is -i.
TensorDataset counting(std::int64_t rows) {
  Tensor data = empty({rows, 3}), targets = empty(Shape(rows), i64);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) {
      data.data<float>()[static_cast<std::size_t>(3 * i + j)] = static_cast<float>(10 * i + j);
    }
    targets.data<std::int64_t>()[static_cast<std::size_t>(i)] = -i;
  }
  return TensorDataset(data, targets);
}

// A dataset with nothing but the two functions that are asked of users.
class Squares : public Dataset {
 public:
  explicit Squares(std::int64_t size) : size_(size) {}
  std::int64_t size() const override { return size_; }
  Example get(std::int64_t index) const override {
    check_index(index);
    return {tensor(static_cast<double>(index * index)), {}};
  }

 private:
  std::int64_t size_;
};

// Gives what a function says, for examples that do not fit together.
class FromFunction : public Dataset {
 public:
  explicit FromFunction(std::function<Example(std::int64_t)> get) : get_(std::move(get)) {}
  std::int64_t size() const override { return 1000; }
  Example get(std::int64_t index) const override { return get_(index); }

 private:
  std::function<Example(std::int64_t)> get_;
};

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no Error";
}

#define EXPECT_MENTIONS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(TensorDataset, examples_are_rows) {
  const TensorDataset dataset = counting(5);
  EXPECT_EQ(dataset.size(), 5);
  const auto [data, target] = dataset.get(4);
  EXPECT_EQ(data.sizes(), Shape(3));
  EXPECT_EQ(data.to_vector<float>(), (std::vector<float>{40, 41, 42}));
  EXPECT_EQ(target.dim(), 0);
  EXPECT_EQ(target.item<std::int64_t>(), -4);
}

TEST(TensorDataset, a_batch_has_the_rows_in_the_order_asked_for_and_as_often) {
  const auto [data, target] = counting(5).batch(Indices{3, 0, 3});
  EXPECT_EQ(data.sizes(), Shape({3, 3}));
  EXPECT_EQ(data.to_vector<float>(), (std::vector<float>{30, 31, 32, 0, 1, 2, 30, 31, 32}));
  EXPECT_EQ(target.to_vector<std::int64_t>(), (Indices{-3, 0, -3}));
}

TEST(TensorDataset, a_batch_equals_its_examples_stacked_for_all_dtypes_and_shapes) {
  const Indices indices = {6, 1, 1, 0, 4};
  for (const DType dtype : {f32, f64, bf16, f16, i64, i32, u8, boolean}) {
    for (const Shape& sizes : {Shape(7), Shape({7, 1}), Shape({7, 3, 5}), Shape({7, 0, 2})}) {
      Generator generator(1);
      const TensorDataset dataset(randint(0, 2, sizes, generator).to(dtype),
                                  randint(0, 99, {7, 2}, generator));
      const Example fast = dataset.batch(indices), slow = dataset.Dataset::batch(indices);
      EXPECT_TRUE(equal(fast.data, slow.data)) << name(dtype) << to_string(sizes);
      EXPECT_TRUE(equal(fast.target, slow.target)) << name(dtype) << to_string(sizes);
    }
  }
}

TEST(TensorDataset, large_batches_are_gathered_in_parallel_to_the_same_result) {
  const Tensor data = arange(0, 400 * 5000, 1).reshape({400, 5000});
  Indices backwards(400);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  const Tensor batch = TensorDataset(data).batch(backwards).data;
  const auto got = batch.data<std::int64_t>();
  for (std::size_t i = 0; i < 400; ++i) {
    ASSERT_EQ(got[i * 5000], static_cast<std::int64_t>(399 - i) * 5000);
    ASSERT_EQ(got[i * 5000 + 4999], static_cast<std::int64_t>(399 - i) * 5000 + 4999);
  }
}

TEST(TensorDataset, takes_strided_data) {
  const Tensor data = tensor({{0.0, 1.0, 2.0}, {10.0, 11.0, 12.0}}).t();
  const TensorDataset dataset(data);
  EXPECT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.batch(Indices{2, 0}).data.to_vector<float>(), (std::vector<float>{2, 12, 0, 10}));
}

TEST(TensorDataset, works_without_targets) {
  const TensorDataset dataset(zeros({4, 2}));
  EXPECT_FALSE(dataset.get(0).target.defined());
  EXPECT_FALSE(dataset.batch(Indices{1, 2}).target.defined());
}

TEST(TensorDataset, changing_an_example_in_place_leaves_the_dataset_alone) {
  const TensorDataset dataset = counting(2);
  dataset.get(1).data.fill_(-1);
  dataset.batch(Indices{1}).data.fill_(-1);
  EXPECT_EQ(dataset.get(1).data.to_vector<float>(), (std::vector<float>{10, 11, 12}));
}

TEST(TensorDataset, rejects_tensors_that_do_not_fit_together) {
  EXPECT_MENTIONS(message_of([] { TensorDataset(zeros({4, 2}), zeros(Shape(3))); }), "4 rows of data, but 3");
  EXPECT_MENTIONS(message_of([] { TensorDataset(tensor(1.0)); }), "0-d");
  EXPECT_MENTIONS(message_of([] { TensorDataset(zeros({1, 1}), tensor(1)); }), "0-d");
  EXPECT_MENTIONS(message_of([] { TensorDataset{Tensor()}; }), "undefined");
}

TEST(TensorDataset, names_an_index_that_is_out_of_range) {
  const TensorDataset dataset = counting(5);
  EXPECT_MENTIONS(message_of([&] { dataset.get(5); }), "no example 5 in a dataset of 5");
  EXPECT_MENTIONS(message_of([&] { dataset.get(-1); }), "no example -1 in a dataset of 5");
  EXPECT_MENTIONS(message_of([&] { dataset.batch(Indices{0, 7}); }), "no example 7 in a dataset of 5");
  EXPECT_MENTIONS(message_of([&] { dataset.batch(Indices{-2}); }), "no example -2");
  EXPECT_MENTIONS(message_of([&] { dataset.batch(Indices{}); }), "no examples");
}

TEST(Dataset, two_functions_make_one) {
  const Squares dataset(10);
  const auto [data, target] = dataset.batch(Indices{3, 9, 0});
  EXPECT_EQ(data.sizes(), Shape(3));
  EXPECT_EQ(data.to_vector<float>(), (std::vector<float>{9, 81, 0}));
  EXPECT_FALSE(target.defined());
  EXPECT_MENTIONS(message_of([&] { dataset.batch(Indices{}); }), "no examples");
}

TEST(Dataset, strided_examples_are_stacked_by_value) {
  const FromFunction dataset([](std::int64_t i) { return Example{(tensor({{1, 2}, {3, 4}}) + i).t(), {}}; });
  EXPECT_EQ(dataset.batch(Indices{0, 10}).data.to_vector<std::int64_t>(),
            (Indices{1, 3, 2, 4, 11, 13, 12, 14}));
}

TEST(Dataset, examples_that_cannot_be_stacked_are_named) {
  const FromFunction shapes([](std::int64_t i) { return Example{zeros(Shape(i == 7 ? 4 : 3)), {}}; });
  const std::string shape = message_of([&] { shapes.batch(Indices{5, 6, 7}); });
  EXPECT_MENTIONS(shape, "the data is f32 of [3] in example 5 but f32 of [4] in example 7");
  const FromFunction dtypes(
      [](std::int64_t i) { return Example{zeros({2}), zeros({1}, i == 1 ? i64 : u8)}; });
  EXPECT_MENTIONS(message_of([&] { dtypes.batch(Indices{0, 1}); }),
                  "the target is u8 of [1] in example 0 but i64");
  const FromFunction some([](std::int64_t i) { return Example{zeros({2}), i == 1 ? Tensor() : zeros({1})}; });
  EXPECT_MENTIONS(message_of([&] { some.batch(Indices{0, 1}); }), "but nothing in example 1");
  EXPECT_MENTIONS(message_of([&] { some.batch(Indices{1, 0}); }),
                  "the target is nothing in example 1 but f32");
}

TEST(Dataset, an_exception_of_get_is_nested_in_an_error_that_names_the_index) {
  const FromFunction dataset([](std::int64_t i) -> Example {
    if (i == 13) throw std::out_of_range("no such file");
    if (i == 14) throw Error("decode", "bad header", "use PNG");
    if (i == 15) throw 15;
    return {zeros({1}), {}};
  });
  try {
    dataset.batch(Indices{1, 13});
    FAIL();
  } catch (const Error& e) {
    EXPECT_MENTIONS(e.message(), "example 13: no such file");
    EXPECT_THROW(std::rethrow_if_nested(e), std::out_of_range);
  }
  try {
    dataset.batch(Indices{14});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.operation(), "decode");
    EXPECT_EQ(e.message(), "bad header (example 14)");
    EXPECT_EQ(e.hint(), "use PNG");
  }
  EXPECT_MENTIONS(message_of([&] { dataset.batch(Indices{15}); }), "example 15");
}

TEST(AnyDataset, is_made_from_values_and_shared_pointers) {
  const TensorDataset rows = counting(4);
  EXPECT_EQ(AnyDataset(rows)->size(), 4);
  EXPECT_EQ(AnyDataset(Squares(3))->size(), 3);
  EXPECT_EQ(AnyDataset(std::make_shared<Squares>(2))->size(), 2);
  const std::shared_ptr<const Dataset> base = std::make_shared<const Squares>(1);
  EXPECT_EQ(AnyDataset(base)->size(), 1);
  EXPECT_EQ(&*AnyDataset(base), base.get());
  EXPECT_THROW(AnyDataset(std::shared_ptr<Squares>()), Error);
  static_assert(!std::is_constructible_v<AnyDataset, const Dataset&>, "would cut the derived class off");
}

TEST(Subset, has_the_examples_of_its_indices) {
  const Subset subset(counting(9), {8, 2, 2, 5});
  EXPECT_EQ(subset.size(), 4);
  EXPECT_EQ(subset.get(0).target.item<std::int64_t>(), -8);
  EXPECT_EQ(subset.batch(Indices{3, 1, 2}).target.to_vector<std::int64_t>(), (Indices{-5, -2, -2}));
  const Subset nested(subset, {3});
  EXPECT_EQ(nested.get(0).target.item<std::int64_t>(), -5);
  EXPECT_EQ(Subset(counting(9), {}).size(), 0);
}

TEST(Subset, rejects_indices_out_of_range) {
  EXPECT_MENTIONS(message_of([] { Subset(counting(9), {0, 9}); }), "no example 9 in a dataset of 9");
  EXPECT_MENTIONS(message_of([] { Subset(counting(9), {-1}); }), "no example -1");
  const Subset subset(counting(9), {8, 2});
  EXPECT_MENTIONS(message_of([&] { subset.get(2); }), "no example 2 in a dataset of 2");
  EXPECT_MENTIONS(message_of([&] { subset.batch(Indices{0, -1}); }), "no example -1 in a dataset of 2");
}

TEST(MapDataset, changes_each_example) {
  const auto doubled = mapped(counting(4), [](Example e) {
    e.data = e.data * 2;
    return e;
  });
  EXPECT_EQ(doubled.size(), 4);
  EXPECT_EQ(doubled.get(1).data.to_vector<float>(), (std::vector<float>{20, 22, 24}));
  const auto [data, target] = doubled.batch(Indices{0, 3});
  EXPECT_EQ(data.to_vector<float>(), (std::vector<float>{0, 2, 4, 60, 62, 64}));
  EXPECT_EQ(target.to_vector<std::int64_t>(), (Indices{0, -3}));
  EXPECT_THROW(mapped(counting(4), nullptr), Error);
}

TEST(random_split, gives_the_parts_of_pytorch) {
  // torch.utils.data.random_split(range(10), [6, 3, 1], generator=torch.Generator().manual_seed(3))
  const auto [a, b, c] = random_split(Squares(10), {6, 3, 1}, 3);
  EXPECT_EQ(Indices(a.indices().begin(), a.indices().end()), (Indices{6, 0, 3, 7, 8, 5}));
  EXPECT_EQ(Indices(b.indices().begin(), b.indices().end()), (Indices{1, 9, 2}));
  EXPECT_EQ(Indices(c.indices().begin(), c.indices().end()), (Indices{4}));
}

TEST(random_split, shares_out_every_example_once) {
  const Indices lengths = {700, 0, 299, 1};
  const auto parts = random_split(Squares(1000), lengths, 42);
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].size(), lengths[i]);
    seen.insert(parts[i].indices().begin(), parts[i].indices().end());
  }
  EXPECT_EQ(seen.size(), 1000U);
  const auto other = random_split(Squares(1000), lengths, 43);
  EXPECT_FALSE(std::equal(parts[0].indices().begin(), parts[0].indices().end(), other[0].indices().begin()));
}

TEST(random_split, rejects_lengths_that_do_not_add_up) {
  EXPECT_MENTIONS(message_of([] { random_split(Squares(10), {6, 3}, 1); }), "lengths 6 + 3 do not divide");
  EXPECT_THROW(random_split(Squares(10), {12, -2}, 1), Error);
  EXPECT_THROW(random_split(Squares(10), {INT64_MAX, INT64_MAX, 12}, 1), Error);
}

}  // namespace
}  // namespace mica::data
