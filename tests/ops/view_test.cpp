#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;
using List = std::vector<Tensor>;

std::vector<std::int64_t> numbers(const Shape& shape) { return {shape.begin(), shape.end()}; }
const Tensor matrix = ones({2, 3});
const Tensor scalar = tensor(1.0);
const std::int64_t huge = INT64_MAX;

// Members that other families declare.
const gradients::Cases conversion_cases{
    {"To", [](Inputs x) { return square(x[0]).to(f32).to(f64) * 0 + square(x[0]); }, {{{2, 3}}}},
};

const table::Rows rows{"view", {
{.name = "view", .golden = {{"view", [](Inputs x, const Args& a) -> List { return {x[0].contiguous().view(a.shape("sizes"))}; }}}, .gradients = {{"View", [](Inputs x) { return square(x[0]).contiguous().view({3, -1}); }, {{{2, 3}}}}, {"ViewZeroSize", [](Inputs x) { return square(x[0]).contiguous().view({0, 6}); }, {{{0, 2, 3}}}}}, .refusals = {{[] { static_cast<void>(matrix.view({4, 2})); }, "6 elements of shape [2, 3] do not fill shape [4, 2]"}, {[] { static_cast<void>(ones({2, 3, 4}).transpose(0, 1).view({6, 4})); }, "use reshape() or flatten()"}}},
{.name = "reshape", .golden = {{"reshape", [](Inputs x, const Args& a) -> List { return {x[0].reshape(a.shape("sizes"))}; }}}, .gradients = {{"Reshape", [](Inputs x) { return square(x[0].reshape({4, 3})); }, {{{2, 3, 2}}}}, {"ReshapeZeroSize", [](Inputs x) { return square(x[0].reshape({3, 0})); }, {{{0, 2}}}}, {"ReshapeZeroDim", [](Inputs x) { return square(x[0].reshape({1, 1})); }, {{{}}}}}, .refusals = {{[] { static_cast<void>(matrix.reshape({-1, -1})); }, "only one size may be -1"}, {[] { static_cast<void>(matrix.reshape({-1, 4})); }, "do not fill"}, {[] { static_cast<void>(zeros({0, 3}).reshape({0, -1})); }, "do not fill"}}},
{.name = "view_as", .golden = {{"view_as", [](Inputs x, const Args&) -> List { return {x[0].contiguous().view_as(x[1])}; }}}, .gradients = {{"ViewAs", [](Inputs x) { return square(x[0].contiguous().view_as(x[1])) * x[1]; }, {{{2, 3}}, {{3, 2}}}}}, .refusals = {{[] { static_cast<void>(view_as(matrix, ones({4}))); }, "do not fill", "view"}}},
{.name = "reshape_as", .golden = {{"reshape_as", [](Inputs x, const Args&) -> List { return {x[0].reshape_as(x[1])}; }}}, .gradients = {{"ReshapeAs", [](Inputs x) { return square(x[0].reshape_as(x[1])) * x[1]; }, {{{2, 3}}, {{3, 2}}}}}, .refusals = {{[] { static_cast<void>(reshape_as(matrix, ones({4}))); }, "do not fill", "reshape"}}},
{.name = "flatten", .golden = {{"flatten", [](Inputs x, const Args& a) -> List { return {x[0].flatten(a.integer("start"), a.integer("end"))}; }}}, .gradients = {{"Flatten", [](Inputs x) { return square(x[0].flatten(1)); }, {{{2, 3, 2}}}}, {"FlattenZeroDim", [](Inputs x) { return square(x[0].flatten()); }, {{{}}}}, {"FlattenZeroSize", [](Inputs x) { return square(x[0].flatten()); }, {{{0, 2}}}}}, .refusals = {{[] { static_cast<void>(ones({2, 2, 2}).flatten(2, 1)); }, "start_dim 2 lies behind end_dim 1"}, {[] { static_cast<void>(matrix.flatten(3)); }, "3"}}},
{.name = "unflatten", .golden = {{"unflatten", [](Inputs x, const Args& a) -> List { return {x[0].unflatten(a.integer("dim"), a.shape("sizes"))}; }}}, .gradients = {{"Unflatten", [](Inputs x) { return square(x[0].unflatten(1, {3, -1})); }, {{{2, 6}}}}}, .refusals = {{[] { static_cast<void>(matrix.unflatten(1, {2, -1})); }, "sizes [2, -1] do not fill dimension 1 of shape [2, 3]"}, {[] { static_cast<void>(matrix.unflatten(1, {2, 2})); }, "do not fill"}, {[] { static_cast<void>(scalar.unflatten(0, {1})); }, "0-d"}, {[] { static_cast<void>(matrix.unflatten(1, {})); }, "do not fill"}}},
{.name = "transpose", .golden = {{"transpose", [](Inputs x, const Args& a) -> List { return {x[0].transpose(a.integer("a"), a.integer("b"))}; }}}, .gradients = {{"Transpose", [](Inputs x) { return square(x[0].transpose(0, -1)); }, {{{2, 3, 2}}}}, {"TransposeZeroSize", [](Inputs x) { return square(x[0].transpose(0, 1)); }, {{{0, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.transpose(0, 2)); }, "2"}}},
{.name = "t", .golden = {{"t", [](Inputs x, const Args&) -> List { return {x[0].t()}; }}}, .gradients = {{"TransposeOfMatrix", [](Inputs x) { return square(x[0].t()) * x[1]; }, {{{2, 3}}, {{2}}}}}, .refusals = {{[] { static_cast<void>(ones({2, 2, 2}).t()); }, "shape [2, 2, 2] is no matrix"}}},
{.name = "permute", .golden = {{"permute", [](Inputs x, const Args& a) -> List { return {x[0].permute(a.shape("dims"))}; }}}, .gradients = {{"Permute", [](Inputs x) { return square(x[0].permute({2, 0, 1})); }, {{{2, 3, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.permute({0, 0})); }, "names a dimension twice"}, {[] { static_cast<void>(matrix.permute({0})); }, "order [0] for a tensor of 2 dimensions"}}},
{.name = "movedim", .golden = {{"movedim", [](Inputs x, const Args& a) -> List { return {x[0].movedim(a.shape("source"), a.shape("destination"))}; }}}, .gradients = {{"Movedim", [](Inputs x) { return square(x[0].movedim({0, 1}, {2, 0})); }, {{{2, 3, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.movedim({0}, {0, 1})); }, "as many destinations as sources"}, {[] { static_cast<void>(matrix.movedim({0, 0}, {0, 1})); }, "appears twice"}, {[] { static_cast<void>(matrix.movedim({0, 1}, {1, 1})); }, "appears twice"}, {[] { static_cast<void>(matrix.movedim(2, 0)); }, "2"}}},
{.name = "expand", .golden = {{"expand", [](Inputs x, const Args& a) -> List { return {x[0].expand(a.shape("sizes"))}; }}}, .gradients = {{"Expand", [](Inputs x) { return square(x[0]).expand({2, 3, -1}); }, {{{1, 2}}}}, {"ExpandToZeroSize", [](Inputs x) { return square(x[0]).expand({0, 1}); }, {{{1}}}}, {"ExpandZeroDim", [](Inputs x) { return square(x[0]).expand({2, 2}); }, {{{}}}}}, .refusals = {{[] { static_cast<void>(matrix.expand({2, 4})); }, "shape [2, 3] does not broadcast to [2, 4]"}, {[] { static_cast<void>(matrix.expand({3})); }, "does not broadcast"}, {[] { static_cast<void>(matrix.expand({-1, 2, 3})); }, "new dimensions come first"}}},
{.name = "broadcast_to", .golden = {{"broadcast_to", [](Inputs x, const Args& a) -> List { return {broadcast_to(x[0], a.shape("sizes"))}; }}}, .gradients = {{"BroadcastTo", [](Inputs x) { return square(broadcast_to(x[0], {2, 3, 2})); }, {{{1, 2}}}}}, .refusals = {{[] { static_cast<void>(broadcast_to(matrix, {2, 4})); }, "does not broadcast", "expand"}}},
{.name = "expand_as", .golden = {{"expand_as", [](Inputs x, const Args&) -> List { return {x[0].expand_as(x[1])}; }}}, .gradients = {{"ExpandAs", [](Inputs x) { return square(x[0].expand_as(x[1])) * x[1]; }, {{{3, 1}}, {{2, 3, 2}}}}}, .refusals = {{[] { static_cast<void>(expand_as(matrix, ones({4}))); }, "does not broadcast", "expand"}}},
{.name = "broadcast_tensors", .golden = {{"broadcast_tensors", [](Inputs x, const Args&) -> List { return broadcast_tensors({x.begin(), x.end()}); }}}, .gradients = {{"BroadcastTensors", [](Inputs x) { const auto all = broadcast_tensors({x[0], x[1]}); return square(all[0]) * all[1]; }, {{{3, 1}}, {{2}}}}}, .refusals = {{[] { static_cast<void>(broadcast_tensors({matrix, ones({2})})); }, "[2, 3]"}}},
{.name = "unsqueeze", .golden = {{"unsqueeze", [](Inputs x, const Args& a) -> List { return {x[0].unsqueeze(a.integer("dim"))}; }}}, .gradients = {{"Unsqueeze", [](Inputs x) { return square(x[0].unsqueeze(1)); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(ones({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0)); }, "dimensions", "Shape"}, {[] { static_cast<void>(matrix.unsqueeze(4)); }, "4"}}},
{.name = "squeeze", .golden = {{"squeeze", [](Inputs x, const Args&) -> List { return {x[0].squeeze()}; }}, {"squeeze_dim", [](Inputs x, const Args& a) -> List { return {x[0].squeeze(a.integer("dim"))}; }}}, .gradients = {{"Squeeze", [](Inputs x) { return square(x[0].squeeze()); }, {{{1, 3, 1}}}}, {"SqueezeDim", [](Inputs x) { return square(x[0].squeeze(-1)); }, {{{1, 3, 1}}}}}, .refusals = {{[] { static_cast<void>(matrix.squeeze(2)); }, "2"}}},
{.name = "select", .golden = {{"select", [](Inputs x, const Args& a) -> List { return {x[0].select(a.integer("dim"), a.integer("index"))}; }}}, .gradients = {{"Select", [](Inputs x) { return square(x[0].select(1, -2)); }, {{{2, 3, 2}}}}, {"SelectRow", [](Inputs x) { return square(x[0][1]) * x[0][0]; }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(matrix.select(0, 2)); }, "index 2 is out of range for dimension 0 of shape [2, 3]"}, {[] { static_cast<void>(matrix.select(0, -3)); }, "index -3"}, {[] { static_cast<void>(scalar[0]); }, "use item()"}}},
{.name = "narrow", .golden = {{"narrow", [](Inputs x, const Args& a) -> List { return {x[0].narrow(a.integer("dim"), a.integer("start"), a.integer("length"))}; }}}, .gradients = {{"Narrow", [](Inputs x) { return square(x[0].narrow(1, 1, 2)); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(matrix.narrow(1, 2, 2)); }, "2 elements from 2 are out of range"}, {[] { static_cast<void>(matrix.narrow(1, 1, huge)); }, "out of range"}, {[] { static_cast<void>(matrix.narrow(1, 0, -1)); }, "out of range"}}},
{.name = "slice", .golden = {{"slice", [](Inputs x, const Args& a) -> List { return {x[0].slice(1, {a.maybe_integer("first"), a.maybe_integer("last"), a.integer("step")})}; }}}, .gradients = {{"Slice", [](Inputs x) { return square(x[0].slice(1, {1, -1, 2})); }, {{{2, 6}}}}, {"SliceOfNothing", [](Inputs x) { return square(x[0].slice(1, {0, 0, 2})); }, {{{2, 5}}}}, {"SliceThirdDerivative", derivative_of([](Inputs x) { return square(x[0].slice(0, {{}, {}, 3})); }), {{{5}}}}}, .refusals = {{[] { static_cast<void>(matrix.slice(1, {0, 3, 0})); }, "step 0"}, {[] { static_cast<void>(matrix.slice(1, {0, 3, -1})); }, "use flip()"}, {[] { static_cast<void>(scalar.slice(0, {})); }, "0-d"}}},
{.name = "sum_to_size", .golden = {{"sum_to_size", [](Inputs x, const Args& a) -> List { return {x[0].sum_to_size(a.shape("sizes"))}; }}}, .gradients = {{"SumToSizeOfAView", [](Inputs x) { return square(x[0].sum_to_size({3, 1})); }, {{{2, 3, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.sum_to_size({4})); }, "shape [2, 3] is no broadcast of [4]"}}},
{.name = "unfold", .golden = {{"unfold", [](Inputs x, const Args& a) -> List { return {x[0].unfold(a.integer("dim"), a.integer("size"), a.integer("step"))}; }}}, .gradients = {{"Unfold", [](Inputs x) { return square(x[0].unfold(1, 3, 1)); }, {{{2, 5}}}}, {"UnfoldApart", [](Inputs x) { return square(x[0].unfold(0, 1, 2)); }, {{{5, 2}}}}, {"UnfoldZeroSize", [](Inputs x) { return square(x[0].unfold(1, 2, 1)); }, {{{0, 3}}}}, {"UnfoldEmptyWindows", [](Inputs x) { return square(x[0].unfold(0, 0, 1)); }, {{{2}}}}, {"UnfoldThirdDerivative", derivative_of([](Inputs x) { return square(x[0].unfold(0, 2, 1)); }), {{{4}}}}}, .refusals = {{[] { static_cast<void>(matrix.unfold(1, 4, 1)); }, "windows of 4 elements, 1 apart, in dimension 1 of shape [2, 3]"}, {[] { static_cast<void>(matrix.unfold(1, 2, 0)); }, "the step be 1 or more"}, {[] { static_cast<void>(matrix.unfold(1, -1, 1)); }, "windows of -1"}, {[] { static_cast<void>(scalar.unfold(0, 1, 1)); }, "0-d"}}},
{.name = "diagonal", .golden = {{"diagonal", [](Inputs x, const Args& a) -> List { return {x[0].diagonal(a.integer("offset"), a.integer("a"), a.integer("b"))}; }}}, .gradients = {{"Diagonal", [](Inputs x) { return square(x[0].diagonal(1, 1, 2)); }, {{{2, 3, 3}}}}, {"DiagonalBelow", [](Inputs x) { return square(x[0].diagonal(-1)); }, {{{3, 2, 2}}}}, {"DiagonalOutside", [](Inputs x) { return square(x[0].diagonal(5)); }, {{{2, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.diagonal(0, 1, 1)); }, "dimensions 1 and 1 of shape [2, 3] span no matrix"}, {[] { static_cast<void>(ones({2}).diagonal()); }, "1"}}},
{.name = "as_strided", .golden = {{"as_strided", [](Inputs x, const Args& a) -> List { return {as_strided(x[0].contiguous(), a.shape("sizes"), a.shape("strides"), a.integer("offset"))}; }}}, .gradients = {{"AsStrided", [](Inputs x) { return square((x[0] * 1).contiguous().as_strided({4, 3}, {1, 1}, 2)); }, {{{8}}}}, {"AsStridedOfAView", [](Inputs x) { return square((x[0] * 1).contiguous().slice(0, {1, {}, 2}).as_strided({2, 2}, {0, 2}, 3)); }, {{{8}}}}, {"AsStridedThirdDerivative", derivative_of([](Inputs x) { return square((x[0] * 1).contiguous().as_strided({2, 2}, {1, 1}, 0)); }), {{{4}}}}}, .refusals = {{[] { static_cast<void>(matrix.as_strided({2, 4}, {3, 1})); }, "reach beyond the 6 elements in memory"}, {[] { static_cast<void>(matrix.as_strided({2}, {-1})); }, "none of them negative"}, {[] { static_cast<void>(matrix.as_strided({huge, huge}, {1, 1})); }, "too many elements"}, {[] { static_cast<void>(matrix.as_strided({3}, {huge})); }, "reach beyond"}, {[] { static_cast<void>(matrix.as_strided({1}, {1}, 6)); }, "from element 6"}, {[] { Tensor x = ones({1}, f64).requires_grad_(); static_cast<void>(x.expand({3}).as_strided({2}, {0})); }, "clone() it first"}}},
{.name = "split", .golden = {{"split", [](Inputs x, const Args& a) -> List { return x[0].split(a.integer("size"), a.integer("dim")); }}, {"split_sizes", [](Inputs x, const Args& a) -> List { return x[0].split(numbers(a.shape("sizes")), a.integer("dim")); }}}, .gradients = {{"Split", [](Inputs x) { return square(x[0].split(2, 1)[1]) * x[0].split({1, 2, 1}, 1)[2]; }, {{{2, 4}}}}}, .refusals = {{[] { static_cast<void>(matrix.split(0)); }, "parts of 0 elements"}, {[] { static_cast<void>(matrix.split({1, 1}, 1)); }, "2 parts do not add up to dimension 1 of shape [2, 3]"}, {[] { static_cast<void>(matrix.split({4, -1}, 1)); }, "do not add up"}, {[] { static_cast<void>(scalar.split(1)); }, "0-d"}}},
{.name = "chunk", .golden = {{"chunk", [](Inputs x, const Args& a) -> List { return x[0].chunk(a.integer("chunks"), a.integer("dim")); }}}, .gradients = {{"Chunk", [](Inputs x) { return square(x[0].chunk(2, 1)[1]); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(matrix.chunk(0)); }, "0 parts"}, {[] { static_cast<void>(scalar.chunk(1)); }, "0-d"}}},
{.name = "unbind", .golden = {{"unbind", [](Inputs x, const Args& a) -> List { return x[0].unbind(a.integer("dim")); }}}, .gradients = {{"Unbind", [](Inputs x) { const auto parts = x[0].unbind(1); return parts[0] * square(parts[2]); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(scalar.unbind()); }, "0-d"}}},
{.name = "slice_backward", .golden = {{"slice_backward", [](Inputs x, const Args& a) -> List { return {slice_backward(x[0], a.shape("sizes"), static_cast<int>(a.integer("dim")), a.integer("first"), a.integer("step"))}; }}}, .gradients = {{"SliceBackward", [](Inputs x) { return square(slice_backward(x[0], {2, 5}, 1, 1, 2)); }, {{{2, 2}}}}}, .without_refusals = "its arguments come from slice, which checks them"}
}};

TEST(View, SharesMemory) {
  Tensor x = arange(12).reshape({3, 4});
  const Tensor views[] = {
      x.view({4, 3}),    x.transpose(0, 1), x.select(0, 1),           x.slice(1, {1, 3, 2}),
      x.narrow(0, 1, 2), x.unsqueeze(0),    x.expand({2, 3, 4}),      x.permute({1, 0}),
      x.flatten(),       x.detach(),        x.unsqueeze(0).squeeze(0)};
  for (const Tensor& v : views) EXPECT_TRUE(v.shares_storage(x));
  x.select(0, 2).select(0, 3).fill_(99);
  EXPECT_EQ(x[2][3].item<int>(), 99);
  EXPECT_EQ(views[1][3][2].item<int>(), 99);
}

TEST(View, CopiesOnlyWhereStridesCannotExpressTheShape) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  const Tensor swapped = x.transpose(0, 1);
  EXPECT_TRUE(swapped.view({3, 2, 2, 2}).shares_storage(x));  // splitting a dimension always works
  EXPECT_TRUE(x.slice(2, {0, 2}).view({6, 2}).shares_storage(x));
  EXPECT_THROW(swapped.view({6, 4}), Error);
  const Tensor joined = swapped.reshape({6, 4});
  EXPECT_FALSE(joined.shares_storage(x));
  EXPECT_EQ(joined[1].to_vector<int>(), (std::vector<int>{12, 13, 14, 15}));
  EXPECT_TRUE(x.expand({5, 2, 3, 4}).view({5, 6, 4}).shares_storage(x));
}

TEST(View, CloneAndContiguousHaveMemoryOfTheirOwn) {
  const Tensor x = arange(6).reshape({2, 3}).t();
  EXPECT_EQ(x.clone().strides(), x.strides());
  EXPECT_FALSE(x.clone().shares_storage(x));
  EXPECT_TRUE(x.contiguous().is_contiguous());
  EXPECT_EQ(x.contiguous().to_vector<int>(), x.to_vector<int>());
  const Tensor dense = arange(6);
  EXPECT_TRUE(dense.contiguous().is_same(dense));
}

}  // namespace
}  // namespace mica
