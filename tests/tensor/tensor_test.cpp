#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"

namespace mica {
namespace {

constexpr DType types[] = {f32, f64, bf16, f16, i64, i32, u8, boolean};

TEST(Tensor, UndefinedAllowsNothingButAssignment) {
  Tensor x;
  EXPECT_FALSE(x.defined());
  EXPECT_THROW(x.sizes(), Error);
  EXPECT_THROW(x.dtype(), Error);
  EXPECT_THROW(x.item(), Error);
  EXPECT_THROW(x + 1, Error);
  EXPECT_FALSE(x.shares_storage(x));
  x = ones({2});
  EXPECT_TRUE(x.defined());
}

TEST(Tensor, DescribesItself) {
  const Tensor x = empty({2, 3, 4}, f64);
  EXPECT_EQ(x.dim(), 3);
  EXPECT_EQ(x.numel(), 24);
  EXPECT_EQ(x.size(-1), 4);
  EXPECT_EQ(x.strides(), Shape({12, 4, 1}));
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_TRUE(x.is_floating_point());
  EXPECT_EQ(x.storage_offset(), 0);
  EXPECT_EQ(x.select(1, 2).storage_offset(), 8);
  EXPECT_THROW(x.size(3), Error);
  EXPECT_THROW(empty({}).size(0), Error);
}

TEST(Tensor, CopiesOfAHandleAreTheSameTensor) {
  const Tensor x = ones({2});
  const Tensor y = x;
  EXPECT_TRUE(y.is_same(x));
  EXPECT_FALSE(x.clone().is_same(x));
  EXPECT_FALSE(x.detach().is_same(x));
  EXPECT_TRUE(x.detach().shares_storage(x));
}

TEST(Tensor, EmptyShapesAndNoDimensionsWorkEverywhere) {
  const Tensor nothing = zeros({0, 3});
  EXPECT_EQ(nothing.numel(), 0);
  EXPECT_TRUE(nothing.is_contiguous());
  EXPECT_TRUE(nothing.data<float>().empty());
  EXPECT_EQ(nothing.t().sizes(), Shape({3, 0}));
  EXPECT_EQ((nothing + ones({3})).sizes(), Shape({0, 3}));
  EXPECT_EQ(nothing.clone().to(i64).sizes(), Shape({0, 3}));
  const Tensor number = full({}, 7);
  EXPECT_EQ(number.dim(), 0);
  EXPECT_EQ(number.numel(), 1);
  EXPECT_EQ(number.item<int>(), 7);
  EXPECT_EQ(number.data<float>().size(), 1U);
  EXPECT_EQ(number.reshape({1, 1}).sizes(), Shape({1, 1}));
}

TEST(Tensor, HasEightDimensionsAtMost) {
  EXPECT_EQ(zeros({1, 2, 1, 2, 1, 2, 1, 2}).dim(), 8);
  EXPECT_THROW(zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
  EXPECT_EQ(zeros({1, 2, 1, 2, 1, 2, 1, 2}).permute({7, 6, 5, 4, 3, 2, 1, 0}).sizes(),
            Shape({2, 1, 2, 1, 2, 1, 2, 1}));
}

TEST(Tensor, DataChecksTypeAndOrder) {
  const Tensor x = arange(6.0).reshape({2, 3});
  EXPECT_EQ(x.data<float>().size(), 6U);
  EXPECT_THROW(x.data<double>(), Error);
  EXPECT_THROW(x.t().data<float>(), Error);
  EXPECT_EQ(x.select(0, 1).data<float>()[0], 3);  // a row is in order
  EXPECT_THROW(x.select(1, 0).data<float>(), Error);
  x.data<float>()[4] = 99;
  EXPECT_EQ(x[1][1].item(), 99);
}

TEST(Tensor, ItemIsTheOnlyElement) {
  EXPECT_EQ(tensor({{5}}).item<int>(), 5);
  EXPECT_EQ(tensor(2.75).item<int>(), 2);
  EXPECT_TRUE(tensor(0.5).item<bool>());
  EXPECT_EQ(tensor((std::int64_t{1} << 60) + 1).item<std::int64_t>(), (std::int64_t{1} << 60) + 1);
  EXPECT_EQ(full({}, 1.5, bf16).item(), 1.5);
  EXPECT_EQ(tensor(true).item_scalar().kind(), boolean);
  EXPECT_THROW(ones({2}).item(), Error);
  EXPECT_THROW(zeros({0}).item(), Error);
}

TEST(Tensor, ToVectorReadsRowMajorWhateverTheStrides) {
  const Tensor x = arange(6).reshape({2, 3}).t();
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(x.slice(0, {0, 3, 2}).to_vector<float>(), (std::vector<float>{0, 3, 2, 5}));
}

// ---- memory of others ----

TEST(Tensor, FromBlobSharesTheCallersMemory) {
  std::vector<float> memory{1, 2, 3, 4, 5, 6};
  const Tensor x = from_blob(memory.data(), {2, 3}, f32);
  memory[5] = 60;
  EXPECT_EQ(x[1][2].item(), 60);
  Tensor(x).add_(1);
  EXPECT_EQ(memory[0], 2);
  EXPECT_NE((from_blob(memory.data(), {6}, f32) * 2).raw_data(),
            memory.data());  // never taken for a temporary
}

TEST(Tensor, FromBlobKeepsTheOwnerAlive) {
  auto memory = std::make_shared<std::vector<double>>(4, 2.5);
  const std::weak_ptr<std::vector<double>> watch = memory;
  Tensor view;
  {
    const Tensor x = from_blob(memory->data(), {4}, f64, memory);
    memory.reset();
    view = x.narrow(0, 1, 2);
  }
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(view.to_vector<double>(), (std::vector<double>{2.5, 2.5}));
  view = Tensor();
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, FromBlobRefusesNullUnlessEmpty) {
  EXPECT_THROW(from_blob(nullptr, {2}, f32), Error);
  EXPECT_THROW(from_blob(nullptr, {-2}, f32), Error);
  EXPECT_EQ(from_blob(nullptr, {0, 3}, f32).numel(), 0);
}

TEST(Tensor, EmptyStridedWantsADenseBlock) {
  EXPECT_EQ(empty_strided({2, 3}, {1, 2}).strides(), Shape({1, 2}));
  EXPECT_THROW(empty_strided({2, 3}, {4, 1}), Error);  // gaps
  EXPECT_THROW(empty_strided({2, 3}, {1, 1}), Error);  // overlap
  EXPECT_TRUE(empty_like(ones({1}).expand({5})).is_contiguous());
}

// ---- conversion ----

TEST(Tensor, ConvertsBetweenAllTypesAsPyTorch) {
  const auto cases = golden::read("tensor.json").at("conversion");
  for (const auto& entry : cases) {
    const Tensor x = golden::tensor(entry.at("in"));
    const Tensor expected = golden::tensor(entry.at("out"));
    SCOPED_TRACE(testing::Message() << name(x.dtype()) << " to " << name(expected.dtype()) << " "
                                    << entry.at("in").at("v").dump());
    const Tensor y = x.to(expected.dtype());
    ASSERT_EQ(y.dtype(), expected.dtype());
    dispatch(expected.dtype(), [&]<class T>() {  // to the bit, but NaN is any NaN
      const auto actual = y.data<T>();
      const auto wanted = expected.data<T>();
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto number = [](T v) {
          if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
            return static_cast<double>(static_cast<float>(v));
          else
            return static_cast<long double>(v);
        };
        if (std::isnan(number(wanted[i]))) {
          EXPECT_TRUE(std::isnan(number(actual[i]))) << "element " << i;
        } else {
          EXPECT_EQ(number(actual[i]), number(wanted[i])) << "element " << i;
          EXPECT_EQ(std::signbit(number(actual[i])), std::signbit(number(wanted[i]))) << "element " << i;
        }
      }
    });
  }
}

TEST(Tensor, ConvertingToItsOwnTypeIsNoCopy) {
  for (const DType type : types) {
    const Tensor x = ones({2}, type);
    EXPECT_TRUE(x.to(type).is_same(x));
  }
}

TEST(Tensor, ConversionKeepsTheMemoryOrder) {
  const Tensor x = arange(6).reshape({2, 3}).t();
  for (const DType type : types) {
    const Tensor y = x.to(type);
    EXPECT_EQ(y.strides(), x.strides());
    EXPECT_EQ(y[1][1].item<bool>(), true);
  }
}

TEST(Tensor, CopyConvertsAndBroadcasts) {
  for (const DType from : types) {
    for (const DType to : types) {
      const Tensor x = zeros({2, 3}, to).copy_(ones({3}, from));
      EXPECT_EQ(x.dtype(), to);
      EXPECT_EQ(x.to_vector<int>(), std::vector<int>(6, 1)) << name(from) << " to " << name(to);
    }
  }
}

// ---- gradients ----

TEST(Tensor, OnlyFloatingLeavesRequireGradients) {
  EXPECT_THROW(ones({2}, i64).requires_grad_(), Error);
  EXPECT_NO_THROW(ones({2}, i64).requires_grad_(false));
  Tensor x = ones({2}).requires_grad_();
  EXPECT_TRUE(x.requires_grad());
  EXPECT_TRUE(x.is_leaf());
  Tensor y = x * 2;
  EXPECT_FALSE(y.is_leaf());
  EXPECT_NO_THROW(y.requires_grad_());
  EXPECT_THROW(y.requires_grad_(false), Error);
  x.requires_grad_(false);
  EXPECT_FALSE(x.requires_grad());
}

TEST(Tensor, SetGradChecksShapeAndType) {
  Tensor x = ones({2}).requires_grad_();
  EXPECT_FALSE(x.grad().defined());
  x.set_grad(ones({2}));
  EXPECT_TRUE(x.grad().defined());
  EXPECT_THROW(x.set_grad(ones({3})), Error);
  EXPECT_THROW(x.set_grad(ones({2}, f64)), Error);
  x.set_grad({});
  EXPECT_FALSE(x.grad().defined());
}

}  // namespace
}  // namespace mica
