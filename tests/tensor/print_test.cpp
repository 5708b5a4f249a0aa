#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>
#include <mica/tensor/print.h>

#include "../golden/golden.h"

namespace mica {
namespace {

// PyTorch's text with our names of dtypes.
std::string with_our_types(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"torch.float64", "f64"}, {"torch.float32", "f32"}, {"torch.bfloat16", "bf16"},
      {"torch.float16", "f16"}, {"torch.int64", "i64"},   {"torch.int32", "i32"},
      {"torch.uint8", "u8"},    {"torch.bool", "bool"}};
  for (const auto& [theirs, ours] : names) {
    if (const auto at = text.find(theirs); at != std::string::npos) text.replace(at, theirs.size(), ours);
  }
  return text;
}

Tensor stored(const nlohmann::json& packed) {
  if (!packed.contains("step")) return golden::tensor(packed);
  const Shape sizes = golden::shape(packed.at("s"));
  const double step = packed.at("step");
  return (arange(sizes.numel()).to(f64) * step).to(golden::dtype(packed.at("d"))).reshape(sizes);
}

TEST(Print, ReadsAsPyTorchPrints) {
  const auto cases = golden::read("tensor.json").at("printing");
  EXPECT_GE(cases.size(), 40U);
  for (const auto& entry : cases) {
    EXPECT_EQ(to_string(stored(entry.at("in"))), with_our_types(entry.at("text")));
  }
}

TEST(Print, FollowsTheElementsNotTheMemory) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_EQ(to_string(x.t()), "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])");
  EXPECT_EQ(to_string(tensor(3).expand({2})), "tensor([3, 3])");
}

TEST(Print, SaysWhereGradientsComeFrom) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_EQ(to_string(x), "tensor([1., 1.], requires_grad=True)");
  EXPECT_EQ(to_string(x * 2), "tensor([2., 2.], grad_fn=<mul>)");
  EXPECT_EQ(to_string(ones({2}, f64).requires_grad_()), "tensor([1., 1.], dtype=f64, requires_grad=True)");
}

TEST(Print, PutsRemarksOnALineOfTheirOwnWhenTheRowIsFull) {
  const std::string text = to_string(arange(18).to(i32) + 10);
  EXPECT_EQ(
      text,
      "tensor([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27],\n       dtype=i32)");
}

TEST(Print, UndefinedTensorsAndStreams) {
  EXPECT_EQ(to_string(Tensor()), "tensor(undefined)");
  std::ostringstream out;
  out << tensor({1, 2});
  EXPECT_EQ(out.str(), "tensor([1, 2])");
}

}  // namespace
}  // namespace mica
