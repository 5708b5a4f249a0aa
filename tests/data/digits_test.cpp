#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <mica/data/digits.h>
#include <mica/ops/compare.h>

namespace mica::data {
namespace {

// The expected numbers are those of scikit-learn's digits.csv.gz.

std::int64_t pixel_sum(const Tensor& images) {
  double sum = 0;
  for (const float p : images.to_vector<float>()) sum += 16 * static_cast<double>(p);
  return static_cast<std::int64_t>(sum);
}

std::vector<std::int64_t> counts_of(const Tensor& labels) {
  std::vector<std::int64_t> counts(10);
  for (const std::int64_t label : labels.to_vector<std::int64_t>())
    ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

TEST(digits, has_the_images_of_the_source) {
  const LabelledImages data = digits();
  EXPECT_EQ(data.images.sizes(), Shape({1797, 1, 8, 8}));
  EXPECT_EQ(data.images.dtype(), f32);
  EXPECT_EQ(pixel_sum(data.images), 561718);
  // Each pixel weighted by where it is, so that none can have moved.
  std::int64_t weighted = 0;
  const auto pixels = data.images.data<float>();
  for (std::int64_t i = 0; i < 1797; ++i) {
    for (std::int64_t j = 0; j < 64; ++j) {
      const auto p = static_cast<std::int64_t>(16 * pixels[static_cast<std::size_t>(64 * i + j)]);
      weighted += (i + 1) * (j + 1) * p % 9973;
    }
  }
  EXPECT_EQ(weighted, 289893634);
  const auto first_rows = data.images[0].narrow(1, 0, 2).to_vector<float>();
  std::vector<float> expected = {0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0};
  for (float& p : expected) p /= 16;
  EXPECT_EQ(first_rows, expected);
}

TEST(digits, has_the_labels_of_the_source) {
  const LabelledImages data = digits();
  EXPECT_EQ(data.labels.sizes(), Shape(1797));
  EXPECT_EQ(data.labels.dtype(), i64);
  EXPECT_EQ(counts_of(data.labels),
            (std::vector<std::int64_t>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}));
  std::vector<std::int64_t> sums(10);
  for (std::int64_t i = 0; i < 1797; ++i) {
    sums[data.labels[i].item<std::size_t>()] += pixel_sum(data.images[i]);
  }
  EXPECT_EQ(sums, (std::vector<std::int64_t>{56415, 57007, 55566, 56151, 56239, 55915, 56336, 54289, 57408,
                                             56392}));
  EXPECT_EQ(data.class_names.size(), 10U);
  EXPECT_EQ(data.class_names[7], "7");
}

TEST(digits, pixels_lie_between_paper_and_ink) {
  const auto pixels = digits().images.to_vector<float>();
  const auto [least, most] = std::minmax_element(pixels.begin(), pixels.end());
  EXPECT_EQ(*least, 0);
  EXPECT_EQ(*most, 1);
}

TEST(digits, splits_into_the_first_1437_and_the_last_360) {
  const LabelledImages all = digits(), train = digits(Split::train), test = digits(Split::test);
  EXPECT_EQ(train.images.size(0), 1437);
  EXPECT_EQ(test.images.size(0), 360);
  EXPECT_TRUE(equal(train.images, all.images.narrow(0, 0, 1437)));
  EXPECT_TRUE(equal(test.images, all.images.narrow(0, 1437, 360)));
  EXPECT_TRUE(equal(train.labels, all.labels.narrow(0, 0, 1437)));
  EXPECT_TRUE(equal(test.labels, all.labels.narrow(0, 1437, 360)));
  EXPECT_EQ(counts_of(test.labels), (std::vector<std::int64_t>{35, 36, 35, 37, 37, 37, 37, 36, 33, 37}));
}

}  // namespace
}  // namespace mica::data
