#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/padding.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const Shape sides[] = {{2, 1}, {1, 2, 0, 1}, {1, 0, 1, 1, 0, 1}};
const Shape cut[] = {{-1, 2}, {-1, 1, 2, -2}, {1, -1, 0, 1, -1, 0}};

template <class Layer> void follow(const std::string& type, int dims) {
  const auto i = static_cast<std::size_t>(dims - 1);
  follow_golden("padding", type, [&](DType) { return Layer(sides[i]); });
  if (type.starts_with("Circular")) return;  // PyTorch's takes no single image
  follow_golden("padding", type + " of all sides, unbatched", [](DType) { return Layer(1); });
  if (type.starts_with("Zero"))
    follow_golden("padding", type + " cutting off", [&](DType) { return Layer(cut[i]); });
}
template <template <int> class Layer> void follow_all(const std::string& type) {
  follow<Layer<1>>(type + "1d", 1);
  follow<Layer<2>>(type + "2d", 2);
  follow<Layer<3>>(type + "3d", 3);
}
template <int dims> using Zero = Pad<PadMode::constant, dims>;
template <int dims> using Reflection = Pad<PadMode::reflect, dims>;
template <int dims> using Replication = Pad<PadMode::replicate, dims>;
template <int dims> using Circular = Pad<PadMode::circular, dims>;

TEST(PaddingLayers, FollowPyTorch) {
  follow_all<Zero>("ZeroPad");
  follow_all<Reflection>("ReflectionPad");
  follow_all<Replication>("ReplicationPad");
  follow_all<Circular>("CircularPad");
}

template <int dims> void follow_constant() {
  const std::string type = ConstantPad<dims>(0, 0).to_string().substr(0, 13);
  const auto make = [](const Shape& padding) {
    return [padding](DType) { return ConstantPad<dims>(padding, 1.5); };
  };
  follow_golden("padding", type, make(sides[dims - 1]));
  follow_golden("padding", type + " cutting off", make(cut[dims - 1]));
  follow_golden("padding", type + " of all sides, unbatched", make(1));
}
TEST(PaddingLayers, FillWithANumber) {
  follow_constant<1>();
  follow_constant<2>();
  follow_constant<3>();
}

TEST(PaddingLayers, PrintAsPyTorchs) {
  expect_prints("padding", {{"ReflectionPad1d", ReflectionPad1d(sides[0]).to_string()},
                            {"ReflectionPad2d", ReflectionPad2d(sides[1]).to_string()},
                            {"ReflectionPad3d", ReflectionPad3d(sides[2]).to_string()},
                            {"ReplicationPad1d", ReplicationPad1d(sides[0]).to_string()},
                            {"ReplicationPad2d", ReplicationPad2d(sides[1]).to_string()},
                            {"ReplicationPad3d", ReplicationPad3d(sides[2]).to_string()},
                            {"ConstantPad1d", ConstantPad1d(2, 3.5).to_string()},
                            {"ConstantPad2d", ConstantPad2d({1, -1, 0, 2}, -1).to_string()},
                            {"ConstantPad3d", ConstantPad3d(1, 0.25).to_string()},
                            {"ZeroPad2d", ZeroPad2d({1, 1, 2, 0}).to_string()}});
  // New in PyTorch 2.1.
  EXPECT_EQ(ZeroPad1d(2).to_string(), "ZeroPad1d((2, 2))");
  EXPECT_EQ(ZeroPad3d(1).to_string(), "ZeroPad3d((1, 1, 1, 1, 1, 1))");
  EXPECT_EQ(CircularPad2d({1, 0, 2, 1}).to_string(), "CircularPad2d((1, 0, 2, 1))");
}

TEST(PaddingLayers, KeepTheirSidesInACopy) {
  const ReflectionPad2d layer({1, 0, 2, 1});
  ReflectionPad2d copy = layer.clone();
  EXPECT_EQ(copy.padding, layer.padding);
  EXPECT_EQ(copy(ones({1, 3, 3})).sizes(), (Shape{1, 6, 4}));
  ConstantPad1d constant = ConstantPad1d(1, 2.5).clone();
  EXPECT_EQ(constant(zeros({1, 1})).to_vector<double>(), (std::vector<double>{2.5, 0, 2.5}));
}

TEST(PaddingLayers, RefuseWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { ReflectionPad2d({1, 2}); }, message("padding (1, 2)"));
  EXPECT_THAT([] { ConstantPad1d({1, 2, 3, 4}, 0); }, message("one number, or 2"));
  ReflectionPad1d reflection(3);
  EXPECT_THAT([&] { reflection(ones({1, 3})); }, message("in ReflectionPad1d"));  // as much as is there
  EXPECT_THAT([&] { reflection(ones({1, 1, 1, 5})); }, message("input of shape [1, 1, 1, 5]"));
  EXPECT_THAT([&] { reflection(ones({5})); }, message("1 dimensions are padded"));
  ZeroPad2d zero(1);
  EXPECT_EQ(zero(ones({2, 2})).sizes(), (Shape{4, 4}));
  EXPECT_THAT([&] { zero(ones({2})); }, message("in ZeroPad2d"));
  ReplicationPad3d replication(1);
  EXPECT_THAT([&] { replication(ones({1, 2, 2})); }, message("in ReplicationPad3d"));
}

}  // namespace
}  // namespace mica::nn
