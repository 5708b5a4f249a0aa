#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/data/transforms.h>
#include <mica/ops/creation.h>

namespace mica::data {
namespace {

Tensor pixels(const std::vector<std::uint8_t>& values, const Shape& sizes) {
  return from_vector(values, sizes);
}

TEST(to_float, maps_pixels_to_zero_to_one) {
  const Tensor x = to_float(pixels({0, 51, 255}, {3, 1}));
  EXPECT_EQ(x.dtype(), f32);
  EXPECT_EQ(x.sizes(), Shape({3, 1}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0.2F, 1}));
}

TEST(to_float, normalises_as_pytorch_does_to_the_bit) {
  // torch.tensor([...],
  // dtype=torch.uint8).float().div(255).sub_(torch.tensor(0.2860)).div_(torch.tensor(0.3530))
  const Tensor x = to_float(pixels({0, 1, 127, 128, 200, 255}, Shape(6)), 0.2860, 0.3530);
  EXPECT_EQ(x.to_vector<float>(),
            (std::vector<float>{-0.8101983666419983F, -0.7990891337394714F, 0.6006776690483093F,
                                0.6117870211601257F, 1.4116536378860474F, 2.022662878036499F}));
}

TEST(to_float, gives_each_channel_its_own_mean_and_std) {
  const Tensor x = to_float(pixels({0, 255, 0, 255, 255, 255, 0, 0}, {2, 2, 1, 2}), {0, 0.5}, {1, 0.25});
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, -2, 2, 1, 1, -2, -2}));
}

TEST(to_float, channels_are_right_across_the_parts_of_threads) {
  constexpr std::int64_t count = 50, channels = 3, side = 41;
  const Tensor x = to_float(full({count, channels, side, side}, 255, u8), {0, 0, 0}, {1, 0.5, 0.25});
  const auto values = x.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float expected[] = {1, 2, 4};
    ASSERT_EQ(values[i], expected[i / (side * side) % channels]) << i;
  }
}

TEST(to_float, takes_strided_and_empty_images) {
  EXPECT_EQ(to_float(pixels({0, 255, 51, 102}, {2, 2}).t()).to_vector<float>(),
            (std::vector<float>{0, 0.2F, 1, 0.4F}));
  EXPECT_EQ(to_float(pixels({}, {0, 3, 2})).sizes(), Shape({0, 3, 2}));
  EXPECT_EQ(to_float(pixels({}, {0, 1, 2}), {0}, std::vector<double>{1}).sizes(), Shape({0, 1, 2}));
  EXPECT_EQ(to_float(pixels({}, {4, 1, 0}), {0}, std::vector<double>{1}).sizes(), Shape({4, 1, 0}));
}

TEST(to_float, rejects_what_it_cannot_normalise) {
  EXPECT_THROW(to_float(zeros({2, 2})), Error);
  EXPECT_THROW(to_float(zeros({2, 2}, i64)), Error);
  const Tensor x = zeros({2, 3, 4, 4}, u8);
  EXPECT_THROW(to_float(x, 0, 0), Error);
  EXPECT_THROW(to_float(x, 0, -1), Error);
  EXPECT_THROW(to_float(x, std::nan(""), 1), Error);
  EXPECT_THROW(to_float(x, 0, std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_THROW(to_float(x, {0, 0}, {1, 1}), Error);
  EXPECT_THROW(to_float(x, {0, 0, 0}, {1, 1}), Error);
  EXPECT_THROW(to_float(x, {0, 0, 0}, {1, 1, 0}), Error);
  EXPECT_THROW(to_float(zeros(Shape(3), u8), {0, 0, 0}, {1, 1, 1}), Error);
}

}  // namespace
}  // namespace mica::data
