#include <string>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;
using List = std::vector<Tensor>;

std::vector<std::int64_t> numbers(const Shape& shape) { return {shape.begin(), shape.end()}; }
PadMode mode(const std::string& name) {
  return name == "constant"   ? PadMode::constant
         : name == "reflect"  ? PadMode::reflect
         : name == "circular" ? PadMode::circular
                              : PadMode::replicate;
}
const Tensor matrix = ones({2, 3});
const Tensor scalar = tensor(1.0);
const std::int64_t huge = INT64_MAX;

const table::Rows rows{"rearrange", {
{.name = "repeat", .golden = {{"repeat", [](Inputs x, const Args& a) -> List { return {x[0].repeat(a.shape("repeats"))}; }}}, .gradients = {{"Repeat", [](Inputs x) { return square(x[0]).repeat({2, 1, 3}); }, {{{2, 2}}}}, {"RepeatZeroDim", [](Inputs x) { return square(x[0]).repeat({3}); }, {{{}}}}, {"RepeatZeroSize", [](Inputs x) { return square(x[0]).repeat({2, 2}); }, {{{0, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.repeat({2})); }, "repeats [2] for shape [2, 3]"}, {[] { static_cast<void>(matrix.repeat({2, -1})); }, "not negative"}, {[] { static_cast<void>(matrix.repeat({huge, huge})); }, "too many"}}},
{.name = "tile", .golden = {{"tile", [](Inputs x, const Args& a) -> List { return {x[0].tile(a.shape("repeats"))}; }}}, .gradients = {{"Tile", [](Inputs x) { return square(x[0]).tile({2}); }, {{{2, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.tile({-1})); }, "must not be negative"}}},
{.name = "repeat_interleave", .golden = {{"repeat_interleave", [](Inputs x, const Args& a) -> List { return {a.has("counts") ? repeat_interleave(x[0], a.tensor("counts"), a.maybe_integer("dim")) : x[0].repeat_interleave(a.integer("n"), a.maybe_integer("dim"))}; }}}, .gradients = {{"RepeatInterleave", [](Inputs x) { return square(x[0]).repeat_interleave(2, 1); }, {{{2, 2}}}}, {"RepeatInterleaveFlat", [](Inputs x) { return square(x[0]).repeat_interleave(3); }, {{{2, 2}}}}, {"RepeatInterleaveCounts", [](Inputs x) { return square(repeat_interleave(x[0], tensor({2, 0, 1}), 1)); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(matrix.repeat_interleave(-1)); }, "-1 repeats"}, {[] { static_cast<void>(repeat_interleave(matrix, tensor({1, 2}), 1)); }, "dimension 1 of shape [2, 3]"}, {[] { static_cast<void>(repeat_interleave(matrix, tensor({1, -2}), 0)); }, "-2 repeats"}, {[] { static_cast<void>(repeat_interleave(matrix, tensor({1.0}), 0)); }, "one integer"}, {[] { static_cast<void>(matrix.repeat_interleave(huge, 0)); }, "too many"}}},
{.name = "flip", .golden = {{"flip", [](Inputs x, const Args& a) -> List { return {x[0].flip(a.shape("dims"))}; }}}, .gradients = {{"Flip", [](Inputs x) { return square(x[0].flip({0, 2})); }, {{{2, 3, 2}}}}, {"FlipZeroSize", [](Inputs x) { return square(x[0].flip(0)); }, {{{0, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.flip({0, -2})); }, "appears twice"}, {[] { static_cast<void>(matrix.flip(2)); }, "2"}}},
{.name = "roll", .golden = {{"roll", [](Inputs x, const Args& a) -> List { return {x[0].roll(a.shape("shifts"), a.shape("dims"))}; }}}, .gradients = {{"Roll", [](Inputs x) { return square(x[0].roll({1, -1}, {0, 1})); }, {{{2, 3}}}}, {"RollFlat", [](Inputs x) { return square(x[0].roll(2)); }, {{{2, 3}}}}, {"RollZeroSize", [](Inputs x) { return square(x[0].roll(2)); }, {{{0, 2}}}}}, .refusals = {{[] { static_cast<void>(matrix.roll({1, 2}, 0)); }, "shifts [1, 2] along dimensions [0]"}, {[] { static_cast<void>(matrix.roll({1, 2})); }, "one shift for each dimension"}, {[] { static_cast<void>(matrix.roll(1, 2)); }, "2"}}},
{.name = "rot90", .golden = {{"rot90", [](Inputs x, const Args& a) -> List { return {rot90(x[0], a.integer("k"), a.integer("a"), a.integer("b"))}; }}}, .gradients = {{"Rot90", [](Inputs x) { return square(rot90(x[0])) + square(rot90(x[0], -1)); }, {{{2, 3}}}}, {"Rot90Twice", [](Inputs x) { return square(rot90(x[0], 2)); }, {{{2, 3}}}}}, .refusals = {{[] { static_cast<void>(rot90(matrix, 1, 0, 0)); }, "span no plane"}}},
{.name = "tril", .golden = {{"tril", [](Inputs x, const Args& a) -> List { return {x[0].tril(a.integer("diagonal"))}; }}}, .gradients = {{"Tril", [](Inputs x) { return square(x[0].tril(-1)) + x[0].tril(1); }, {{{2, 3, 3}}}}, {"TrilZeroSize", [](Inputs x) { return square(x[0].tril()); }, {{{0, 3}}}}}, .refusals = {{[] { static_cast<void>(ones({3}).tril()); }, "holds no matrices"}}},
{.name = "triu", .golden = {{"triu", [](Inputs x, const Args& a) -> List { return {x[0].triu(a.integer("diagonal"))}; }}}, .gradients = {{"Triu", [](Inputs x) { return square(x[0].triu(-1)) + x[0].triu(1); }, {{{2, 3, 3}}}}, {"TriuZeroSize", [](Inputs x) { return square(x[0].triu()); }, {{{0, 3}}}}}, .refusals = {{[] { static_cast<void>(ones({3}).triu()); }, "holds no matrices"}}},
{.name = "diag", .golden = {{"diag", [](Inputs x, const Args& a) -> List { return {x[0].diag(a.integer("diagonal"))}; }}}, .gradients = {{"DiagOfVector", [](Inputs x) { return square(x[0].diag(1)); }, {{{3}}}}, {"DiagOfMatrix", [](Inputs x) { return square(x[0].diag(-1)); }, {{{3, 2}}}}}, .refusals = {{[] { static_cast<void>(ones({1, 2, 3}).diag()); }, "no vector or matrix"}}},
{.name = "diag_embed", .golden = {{"diag_embed", [](Inputs x, const Args& a) -> List { return {diag_embed(x[0], a.integer("offset"), a.integer("a"), a.integer("b"))}; }}}, .gradients = {{"DiagEmbed", [](Inputs x) { return square(diag_embed(x[0], -1, 0, 2)); }, {{{2, 3}}}}, {"DiagEmbedZeroSize", [](Inputs x) { return square(diag_embed(x[0])); }, {{{0}}}}}, .refusals = {{[] { static_cast<void>(diag_embed(matrix, 0, 1, 1)); }, "are the same"}, {[] { static_cast<void>(diag_embed(scalar)); }, "0-d"}, {[] { static_cast<void>(diag_embed(matrix, huge)); }, "too large"}, {[] { static_cast<void>(diag_embed(matrix, INT64_MIN)); }, "too large"}}},
{.name = "pad", .golden = {{"pad", [](Inputs x, const Args& a) -> List { return {pad(x[0], numbers(a.shape("padding")), {.mode = mode(a.text("mode")), .value = a.real("value", 0)})}; }}}, .gradients = {{"PadConstant", [](Inputs x) { return square(pad(x[0], {1, -1, 2, 0}, {.value = 3})); }, {{{2, 3, 3}}}}, {"PadReflect", [](Inputs x) { return square(pad(x[0], {2, 1}, {.mode = PadMode::reflect})); }, {{{2, 3}}}}, {"PadReplicate", [](Inputs x) { return square(pad(x[0], {2, 3}, {.mode = PadMode::replicate})); }, {{{2, 2}}}}, {"PadCircular", [](Inputs x) { return square(pad(x[0], {1, 2}, {.mode = PadMode::circular})); }, {{{2, 3}}}}, {"PadZeroSize", [](Inputs x) { return square(pad(x[0], {1, 1})); }, {{{2, 0}}}}}, .refusals = {{[] { static_cast<void>(pad(matrix, {1})); }, "two numbers a dimension"}, {[] { static_cast<void>(pad(matrix, {1, 1, 1, 1, 1, 1})); }, "padding [1, 1, 1, 1, 1, 1] for shape [2, 3]"}, {[] { static_cast<void>(pad(matrix, {-4, 9})); }, "at most what is there"}, {[] { static_cast<void>(pad(matrix, {3, 0}, {.mode = PadMode::reflect})); }, "only 2 elements"}, {[] { static_cast<void>(pad(matrix, {0, 4}, {.mode = PadMode::circular})); }, "only 3 elements"}, {[] { static_cast<void>(pad(ones({2, 0}), {1, 0}, {.mode = PadMode::replicate})); }, "only 0 elements"}, {[] { static_cast<void>(pad(matrix, {huge, huge})); }, "padding by"}}},
{.name = "meshgrid", .golden = {{"meshgrid", [](Inputs x, const Args& a) -> List { return meshgrid({x.begin(), x.end()}, a.text("indexing") == "ij" ? Indexing::ij : Indexing::xy); }}}, .gradients = {{"Meshgrid", [](Inputs x) { const auto g = meshgrid({x[0], x[1]}, Indexing::xy); return square(g[0]) * g[1]; }, {{{2}}, {{3}}}}}, .refusals = {{[] { static_cast<void>(meshgrid({})); }, "give at least one"}, {[] { static_cast<void>(meshgrid({matrix})); }, "no vector"}}}
}};

TEST(Rearrange, GivesCopies) {
  const Tensor x = ones({2, 2});
  const Tensor copies[] = {x.repeat({1, 1}), x.tile({1}),  x.repeat_interleave(1, 0),
                           x.flip({}),       x.roll(0, 0), rot90(x, 0),
                           x.diag(),         pad(x, {}),   pad(x, {}, {.mode = PadMode::reflect})};
  for (const Tensor& y : copies) EXPECT_FALSE(y.shares_storage(x));
}

}  // namespace
}  // namespace mica
