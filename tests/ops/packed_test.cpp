#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/packed.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

std::vector<std::int64_t> lengths_of(const Args& a) {
  const Shape lengths = a.shape("lengths");
  return {lengths.begin(), lengths.end()};
}
std::vector<Tensor> parts(const PackedSequence& packed) {
  if (!packed.sorted_indices.defined()) return {packed.data, packed.batch_sizes};
  return {packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices};
}
bool enforce_sorted(const Args& a) { return !a.has("enforce_sorted") || a.flag("enforce_sorted"); }
Scalar padding(const Args& a) { return a.has("padding_value") ? a.scalar("padding_value") : Scalar(0.0); }

const Tensor some_packed_sizes = tensor({2, 1});

const table::Rows rows(
    "packed",
    {
        {.name = "pack_padded_sequence",
         .golden = {{"pack_padded_sequence",
                     [](Inputs x, const Args& a) {
                       const PackOptions options{.batch_first = a.flag("batch_first"),
                                                 .enforce_sorted = enforce_sorted(a)};
                       const auto lengths = lengths_of(a);
                       const auto out = parts(pack_padded_sequence(x[0], lengths, options));
                       const auto same =
                           parts(pack_padded_sequence(x[0], from_vector(lengths).to(i32), options));
                       for (std::size_t i = 0; i < out.size(); ++i)
                         EXPECT_TRUE(equal(out[i].detach(), same[i].detach()));
                       return out;
                     }}},
         .gradients = {{"PackPadded",
                        [](Inputs x) {
                          return pack_padded_sequence(x[0], {2, 3}, {.enforce_sorted = false}).data;
                        },
                        {{{4, 2, 2}}}}},
         .refusals =
             {{[] { pack_padded_sequence(ones(3), {3}); }, "expected (time, batch, ...)"},
              {[] { pack_padded_sequence(ones(3), {3}, {.batch_first = true}); },
               "expected (batch, time, ...)"},
              {[] { pack_padded_sequence(ones({3, 2}), {3}); }, "1 lengths for a batch of 2"},
              {[] { pack_padded_sequence(ones({3, 0}), std::vector<std::int64_t>{}); }, "no sequences"},
              {[] { pack_padded_sequence(ones({3, 2}), {3, 0}); }, "lengths from 0 to 3"},
              {[] { pack_padded_sequence(ones({3, 2}), {4, 1}); }, "1 to 3 elements"},
              {[] { pack_padded_sequence(ones({3, 2}), {1, 3}); }, "lengths 1, 3 increase"},
              {[] { pack_padded_sequence(ones({3, 2}), {1, 3}); }, "enforce_sorted = false"},
              {[] { pack_padded_sequence(ones({3, 2}), ones(2)); }, "lengths are f32 [2]"},
              {[] { pack_padded_sequence(ones({3, 2}), ones({1, 2}, i64)); }, "lengths are i64 [1, 2]"}}},
        {.name = "pad_packed_sequence",
         .golden = {{"pad_packed_sequence",
                     [](Inputs x, const Args& a) {
                       const bool batch_first = a.flag("batch_first");
                       const PackedSequence packed = pack_padded_sequence(
                           x[0], lengths_of(a), {.batch_first = batch_first, .enforce_sorted = false});
                       UnpackOptions options{.batch_first = batch_first, .padding_value = padding(a)};
                       if (a.has("total_length")) options.total_length = a.integer("total_length");
                       const auto [y, lengths] = pad_packed_sequence(packed, options);
                       return std::vector{y, lengths};
                     }}},
         .gradients = {{"PadPacked",
                        [](Inputs x) {
                          const PackedSequence packed{x[0], tensor({2, 2, 1}), tensor({1, 0}),
                                                      tensor({1, 0})};
                          return pad_packed_sequence(packed, {.padding_value = 2.0, .total_length = 4}).first;
                        },
                        {{{5, 2}}}}},
         .refusals = {{[] { pad_packed_sequence({ones({3, 2}), some_packed_sizes}, {.total_length = 1}); },
                       "total_length 1 for a sequence of 2 elements"},
                      {[] { pad_packed_sequence({ones({4, 2}), some_packed_sizes}); }, "do not fit the data"},
                      {[] { pad_packed_sequence({}); }, "make it with pack_padded_sequence()"},
                      {[] { pad_packed_sequence({ones({3, 2}), tensor({1, 2})}); }, "do not fit the data"},
                      {[] {
                         pad_packed_sequence({ones({3, 2}), some_packed_sizes, tensor({0}), tensor({0})});
                       },
                       "indices of shape [1] for a batch of 2"}}},
        {.name = "pad_sequence",
         .golden = {{"pad_sequence",
                     [](Inputs x, const Args& a) {
                       return std::vector{pad_sequence(
                           x, {.batch_first = a.flag("batch_first"),
                               .padding_value = padding(a),
                               .padding_side = a.flag("left") ? PaddingSide::left : PaddingSide::right})};
                     }}},
         .gradients = {{"PadSequences",
                        [](Inputs x) { return pad_sequence(x, {.batch_first = true, .padding_value = 1.0}); },
                        {{{3, 2}}, {{1, 2}}}},
                       {"PadSequencesLeft",
                        [](Inputs x) { return pad_sequence(x, {.padding_side = PaddingSide::left}); },
                        {{{1}}, {{2}}}}},
         .refusals = {{[] { pad_sequence({}); }, "no sequences"},
                      {[] { pad_sequence(std::array{ones({})}); }, "(length, ...)"},
                      {[] { pad_sequence(std::array{ones({2, 3}), ones({2, 4})}); },
                       "f32 [2, 3] and f32 [2, 4]"},
                      {[] { pad_sequence(std::array{ones({2, 3}), ones({2})}); }, "f32 [2, 3] and f32 [2]"},
                      {[] { pad_sequence(std::array{ones({2}), ones({2}, f64)}); }, "and f64 [2]"}}},
        {.name = "pack_sequence",
         .golden = {{"pack_sequence",
                     [](Inputs x, const Args& a) { return parts(pack_sequence(x, enforce_sorted(a))); }}},
         .gradients =
             {{"PackSequences", [](Inputs x) { return pack_sequence(x, false).data; }, {{{1, 2}}, {{3, 2}}}}},
         .refusals = {{[] { pack_sequence({}); }, "no sequences", "pad_sequence"},
                      {[] { pack_sequence(std::array{ones({2}), ones({3})}); }, "lengths 2, 3 increase",
                       "pack_padded_sequence"},
                      {[] { pack_sequence(std::array{ones({0}), ones({0})}); }, "lengths from 0",
                       "pack_padded_sequence"}}},
        {.name = "unpad_sequence",
         .golden =
             {{"unpad_sequence",
               [](Inputs x,
                  const Args&
                      a) { return unpad_sequence(x[0], from_vector(lengths_of(a)), a.flag("batch_first")); }}},
         .gradients =
             {{"Unpad", [](Inputs x) { return unpad_sequence(x[0], tensor({1, 3}))[1]; }, {{{3, 2, 2}}}}},
         .refusals = {{[] { unpad_sequence(ones(3), tensor({1})); }, "expected (time, batch, ...)"},
                      {[] { unpad_sequence(ones({3, 2}), tensor({1})); }, "1 lengths for a batch of 2"},
                      {[] { unpad_sequence(ones({3, 2}), tensor({1, 4})); },
                       "length 4 in an input of shape [3, 2]"},
                      {[] { unpad_sequence(ones({3, 2}), ones(2)); }, "lengths are f32"}}},
        {.name = "unpack_sequence",
         .golden = {{"unpack_sequence",
                     [](Inputs x, const Args&) { return unpack_sequence(pack_sequence(x, false)); }}},
         .gradients = {{"UnpackSequences",
                        [](Inputs x) { return unpack_sequence({x[0], tensor({2, 1})})[0]; },
                        {{{3, 2}}}}},
         .refusals = {{[] { unpack_sequence({}); }, "make it with", "pad_packed_sequence"}}},
        {.name = "invert_permutation",
         .golden = {{"invert_permutation",
                     [](Inputs x, const Args&) { return std::vector{invert_permutation(x[0])}; }}},
         .refusals = {{[] { invert_permutation(tensor({0, 0})); }, "0 at 1 of 2"},
                      {[] { invert_permutation(tensor({0, 2})); }, "2 at 1 of 2"},
                      {[] { invert_permutation(ones(2)); }, "f32"}},
         .without_gradients = "positions"},
    });

TEST(PackedSequence, ConvertsItsNumbers) {
  const PackedSequence packed = pack_sequence(std::array{ones(1), ones(3)}, false);
  const PackedSequence wide = packed.to(f64);
  EXPECT_EQ(wide.data.dtype(), f64);
  EXPECT_EQ(wide.batch(), 2);
  EXPECT_TRUE(equal(wide.sorted_indices, tensor({1, 0})));
  EXPECT_FALSE(invert_permutation(Tensor()).defined());
}

TEST(PackedSequence, GoesBackByEitherOfItsIndices) {
  const PackedSequence packed = pack_sequence(std::array{ones(1), ones(2) * 2, ones(3) * 3}, false);
  const Tensor expected = pad_packed_sequence(packed).first;
  EXPECT_TRUE(
      equal(pad_packed_sequence({packed.data, packed.batch_sizes, packed.sorted_indices}).first, expected));
  EXPECT_TRUE(equal(pad_packed_sequence({packed.data, packed.batch_sizes, {}, packed.unsorted_indices}).first,
                    expected));
}

}  // namespace
}  // namespace mica
