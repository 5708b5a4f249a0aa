#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <mica/core/error.h>
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

PrintOptions options_of(const nlohmann::json& entry) {
  PrintOptions options;
  if (!entry.contains("options")) return options;
  const auto& given = entry.at("options");
  options.precision = given.value("precision", options.precision);
  options.threshold = given.value("threshold", options.threshold);
  options.edgeitems = given.value("edgeitems", options.edgeitems);
  options.linewidth = given.value("linewidth", options.linewidth);
  if (given.contains("sci_mode")) options.sci_mode = given.at("sci_mode").get<bool>();
  return options;
}

TEST(Print, ReadsAsPyTorchPrints) {
  const auto cases = golden::read("tensor.json").at("printing");
  EXPECT_GE(cases.size(), 190U);
  for (const auto& entry : cases) {
    const PrintOptions options = options_of(entry);
    EXPECT_EQ(to_string(stored(entry.at("in")), options), with_our_types(entry.at("text"))) << entry.dump();
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

TEST(Print, FollowsTheOptionsSet) {
  const Tensor x = tensor({1.0, 2.5});
  set_print_options({.precision = 1, .sci_mode = true});
  EXPECT_EQ(print_options().precision, 1);
  EXPECT_EQ(to_string(x), "tensor([1.0e+00, 2.5e+00])");
  set_print_options({});
  EXPECT_EQ(to_string(x), "tensor([1.0000, 2.5000])");
  EXPECT_EQ(to_string(x, {.precision = 2}), "tensor([1.00, 2.50])");
  const PrintOptions nothing_shown{.threshold = 5, .edgeitems = 0};
  EXPECT_EQ(to_string(arange(30), nothing_shown), "tensor([...])");
  EXPECT_EQ(to_string(arange(30).reshape({5, 6}), nothing_shown), "tensor([...])");
  EXPECT_THROW(set_print_options({.edgeitems = -1}), Error);
  EXPECT_THROW(to_string(x, {.precision = -1}), Error);
}

TEST(Print, NamesTheOperationOnALineOfItsOwnIfItDoesNotFit) {
  const Tensor x = (ones({9}, f64) / 3).requires_grad_();
  const Tensor y = x * 2;
  EXPECT_NE(to_string(y).find("],\n       dtype=f64, grad_fn=<mul>)"), std::string::npos) << to_string(y);
}

TEST(Print, UndefinedTensorsAndStreams) {
  EXPECT_EQ(to_string(Tensor()), "tensor(undefined)");
  std::ostringstream out;
  out << tensor({1, 2});
  EXPECT_EQ(out.str(), "tensor([1, 2])");
}

}  // namespace
}  // namespace mica
