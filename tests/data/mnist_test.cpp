#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tests/data/idx_file.h>
#include <tests/temporary_folder.h>

#include <mica/core/error.h>
#include <mica/data/mnist.h>

namespace mica::data {
namespace {

using test::TemporaryFolder;

using testing::HasSubstr;
using testing::Not;

// MICA_DATA_DIR for the time of a test.
class DataDir {
 public:
  explicit DataDir(const std::filesystem::path& folder) {
    if (const char* value = std::getenv(name)) previous_ = value;
    setenv(name, folder.c_str(), 1);
  }
  ~DataDir() {
    if (previous_) {
      setenv(name, previous_->c_str(), 1);
    } else {
      unsetenv(name);
    }
  }
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

 private:
  static constexpr const char* name = "MICA_DATA_DIR";
  std::optional<std::string> previous_;
};

std::string images_file(std::uint32_t count, std::uint32_t side = 28) {
  return idx_file({count, side, side}, std::vector<std::uint8_t>(count * side * side, 7));
}
std::string labels_file(const std::vector<std::uint8_t>& labels) {
  return idx_file({static_cast<std::uint32_t>(labels.size())}, labels);
}

std::string complaint(const std::filesystem::path& folder) {
  try {
    fashion_mnist(Split::train, folder);
  } catch (const Error& e) {
    return e.what();
  }
  return "no Error";
}

void expect_the_real_data(Split split, std::int64_t count, const std::vector<std::int64_t>& first_labels,
                          double mean) {
  const LabelledImages data = fashion_mnist(split);
  EXPECT_EQ(data.images.sizes(), Shape({count, 1, 28, 28}));
  EXPECT_EQ(data.images.dtype(), u8);
  EXPECT_EQ(data.labels.sizes(), Shape(count));
  const auto labels = data.labels.data<std::int64_t>();
  EXPECT_TRUE(std::equal(first_labels.begin(), first_labels.end(), labels.begin()));
  for (std::int64_t c = 0; c < 10; ++c) EXPECT_EQ(std::count(labels.begin(), labels.end(), c), count / 10);
  const auto pixels = data.images.data<std::uint8_t>();
  const auto sum = std::accumulate(pixels.begin(), pixels.end(), std::int64_t{0});
  EXPECT_NEAR(static_cast<double>(sum) / static_cast<double>(pixels.size()) / 255, mean, 5e-5);
}

TEST(FashionMnist, is_the_published_data) {
  try {
    fashion_mnist(Split::test);
  } catch (const Error& e) {
    ASSERT_THAT(e.message(), HasSubstr("missing"));
    GTEST_SKIP() << e.what();
  }
  expect_the_real_data(Split::train, 60000, {9, 0, 0, 3, 0}, fashion_mnist_mean);
  expect_the_real_data(Split::test, 10000, {9, 2, 1, 1, 6}, 0.28685);
}

TEST(FashionMnist, reads_a_folder_of_plain_or_compressed_files) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", images_file(3));
  folder.write("train-labels-idx1-ubyte.gz", gzip(labels_file({9, 0, 5})));
  const LabelledImages data = fashion_mnist(Split::train, folder.path());
  EXPECT_EQ(data.images.sizes(), Shape({3, 1, 28, 28}));
  EXPECT_EQ(data.labels.dtype(), i64);
  EXPECT_EQ(data.labels.to_vector<std::int64_t>(), (std::vector<std::int64_t>{9, 0, 5}));
  ASSERT_EQ(data.class_names.size(), 10U);
  EXPECT_EQ(data.class_names[0], "T-shirt/top");
  EXPECT_EQ(data.class_names[9], "Ankle boot");
}

TEST(FashionMnist, looks_into_the_folder_of_the_environment_first) {
  const TemporaryFolder folder;
  folder.write("fashion-mnist/t10k-images-idx3-ubyte.gz", gzip(images_file(2)));
  folder.write("fashion-mnist/t10k-labels-idx1-ubyte.gz", gzip(labels_file({1, 2})));
  const DataDir environment(folder.path());
  EXPECT_EQ(fashion_mnist(Split::test).labels.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 2}));
}

TEST(FashionMnist, tells_which_files_are_missing_and_how_to_get_them) {
  const TemporaryFolder folder;
  std::string text = complaint(folder.path());
  EXPECT_THAT(text, HasSubstr((folder.path() / "train-images-idx3-ubyte[.gz]").string()));
  EXPECT_THAT(text, HasSubstr("train-labels-idx1-ubyte[.gz]"));
  EXPECT_THAT(text, HasSubstr("apt-get install dataset-fashion-mnist"));
  EXPECT_THAT(text, HasSubstr("MICA_DATA_DIR"));
  folder.write("train-images-idx3-ubyte", images_file(1));
  text = complaint(folder.path());
  EXPECT_THAT(text, Not(HasSubstr("train-images")));
  EXPECT_THAT(text, HasSubstr("train-labels"));
}

TEST(FashionMnist, rejects_files_that_are_something_else) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", images_file(3));
  folder.write("train-labels-idx1-ubyte", labels_file({1, 2}));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("2 labels, but"));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("has 3 images"));
  folder.write("train-labels-idx1-ubyte", labels_file({1, 2, 10}));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("label 2 is 10, expected 0 to 9"));
  folder.write("train-labels-idx1-ubyte", images_file(3));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("a list of u8 labels, got u8 of [3, 28, 28]"));
  folder.write("train-labels-idx1-ubyte", idx_header(0x09, {3}) + std::string(3, '\1'));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("a list of u8 labels, got i32 of [3]"));
  folder.write("train-images-idx3-ubyte", images_file(3, 27));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("u8 images of 28 x 28, got u8 of [3, 27, 27]"));
  folder.write("train-images-idx3-ubyte", labels_file({1}));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("u8 images of 28 x 28, got u8 of [1]"));
}

}  // namespace
}  // namespace mica::data
