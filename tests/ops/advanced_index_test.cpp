#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

Slice parse_slice(const std::string& text) {
  Slice slice;
  std::optional<std::int64_t> step;
  std::optional<std::int64_t>* parts[] = {&slice.first, &slice.last, &step};
  std::istringstream stream(text);
  std::string part;
  for (auto** next = parts; std::getline(stream, part, ':'); ++next) {
    if (!part.empty()) **next = std::stoll(part);
  }
  slice.step = step.value_or(1);
  return slice;
}

// "0,...,1:3,None,a": what stands in Python's brackets; a, b and c are tensors.
std::vector<Index> parse(const std::string& text, Inputs tensors) {
  std::vector<Index> indices;
  std::istringstream stream(text);
  std::string part;
  while (std::getline(stream, part, ',')) {
    if (part == "...")
      indices.emplace_back(Ellipsis);
    else if (part == "None")
      indices.emplace_back(None);
    else if (part == "True" || part == "False")
      indices.emplace_back(part == "True");
    else if (part.size() == 1 && part[0] >= 'a')
      indices.emplace_back(tensors[static_cast<std::size_t>(part[0] - 'a')]);
    else if (part.find(':') != std::string::npos)
      indices.emplace_back(parse_slice(part));
    else
      indices.emplace_back(std::stoll(part));
  }
  return indices;
}

golden::Operation put(IndexPutOptions options) {
  return [=](Inputs x, const Args& a) {
    return std::vector{x[0].index_put(parse(a.text("at"), x.subspan(2)), x[1], options)};
  };
}
golden::Operation put_in_place(IndexPutOptions options) {
  return [=](Inputs x, const Args& a) {
    return std::vector{x[0].clone().index_put_(parse(a.text("at"), x.subspan(2)), x[1], options)};
  };
}

Tensor some() { return tensor({{true, false, true}, {false, false, true}}); }
Tensor repeated() { return tensor({1, 0, 1}); }

const table::Rows rows{
    "advanced_index",
    {
        {.name = "index",
         .golden = {{"index",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].index(parse(a.text("at"), x.subspan(1)))};
                     }}},
         .gradients =
             {{"IndexOfViews",
               [](Inputs x) { return square(x[0][Slice{0, -1}, Ellipsis, None, 1]); },
               {{{3, 2, 2}}}},
              {"IndexRows", [](Inputs x) { return square(x[0][repeated()]); }, {{{2, 3}}}},
              {"IndexTwo", [](Inputs x) { return square(x[0][repeated(), tensor({{2}, {-1}})]); }, {{{2, 3}}}},
              {"IndexApart",
               [](Inputs x) { return square(x[0][repeated(), Slice{1, {}}, tensor({1, 1, 0})]); },
               {{{2, 3, 2}}}},
              {"IndexMask", [](Inputs x) { return square(x[0][some()]); }, {{{2, 3, 2}}}},
              {"IndexWholeMask", [](Inputs x) { return square(x[0][some()]); }, {{{2, 3}}}},
              {"IndexMaskInside",
               [](Inputs x) { return square(x[0][0, tensor({true, false, true}), repeated().slice(0, {0, 2})]); },
               {{{2, 3, 2}}}},
              {"IndexFlag", [](Inputs x) { return square(x[0][true]) * x[0][None]; }, {{{}}}},
              {"IndexNothing", [](Inputs x) { return square(x[0][zeros({0}, i64)]); }, {{{2, 3}}}},
              {"IndexThirdDerivative",
               gradients::derivative_of([](Inputs x) { return square(x[0][repeated()]); }),
               {{{2, 3}}}}},
         .refusals =
             {{[] { zeros({2, 3})[tensor({0, 2})]; }, "index 2 at position [1] is out of range for dimension 0"},
              {[] { zeros({2, 3})[Ellipsis, tensor({{0}, {-4}})]; }, "use -3 to 2"},
              {[] { zeros({2, 3})[tensor({0}), 0, 0]; }, "indices for 3 dimensions, but the tensor has shape [2, 3]"},
              {[] { zeros({2, 3})[Ellipsis, Ellipsis]; }, "2 times Ellipsis"},
              {[] { zeros({2, 3})[tensor({true, false, true})]; }, "mask of shape [3] does not fit shape [2, 3]"},
              {[] { zeros({2, 3})[tensor({0, 1}), tensor({0, 1, 2})]; }, "do not broadcast"},
              {[] { zeros({2, 3})[tensor({0.0})]; }, "the index is f32"},
              {[] { zeros({2, 3})[tensor({0}).to(u8)]; }, "the index is u8"},
              {[] { zeros({0, 3})[tensor({0})]; }, "nothing to index"},
              {[] { zeros({2, 3})[0, 3]; }, "index 3 is out of range", "select"},
              {[] { zeros({2, 3})[tensor(2)]; }, "index 2 at position [] is out of range"},
              {[] { zeros({2, 3})[Slice{0, 2, -1}, 0]; }, "only positive steps", "slice"}}},
        {.name = "index_put",
         .golden = {{"index_put", put({})}, {"index_put_accumulate", put({.accumulate = true})}},
         .gradients =
             {{"IndexPut",
               [](Inputs x) { return square(index_put(x[0], {tensor({2, 0})}, x[1])); },
               {{{3, 4}}, {{2, 4}}}},
              {"IndexPutBroadcast",
               [](Inputs x) { return square(index_put(x[0], {Slice{}, tensor({2, 0})}, x[1])); },
               {{{2, 3}}, {{1, 1, 2}}}},
              {"IndexPutInAView",
               [](Inputs x) { return square(index_put(x[0], {Slice{0, 2}, 1}, x[1])); },
               {{{3, 4}}, {{}}}},
              {"IndexPutMask",
               [](Inputs x) { return square(index_put(x[0], {some()}, x[1])); },
               {{{2, 3}}, {{3}}}},
              {"IndexPutOneWhereTrue",
               [](Inputs x) { return square(index_put(x[0], {some()}, x[1])); },
               {{{2, 3, 2}}, {{1}}}},
              {"IndexPutAccumulate",
               [](Inputs x) { return square(index_put(x[0], {repeated()}, x[1], {.accumulate = true})); },
               {{{2, 3}}, {{3, 3}}}},
              {"IndexPutAccumulateInAView",
               [](Inputs x) { return square(index_put(x[0], {0}, x[1], {.accumulate = true})); },
               {{{2, 3}}, {{3}}}}},
         .refusals =
             {{[] { index_put(zeros({2, 3}), {tensor({2})}, zeros({3})); }, "index 2 at position [0]"},
              {[] { index_put(zeros({2, 3}), {tensor({1})}, zeros({2})); }, "value of shape [2] does not broadcast to [1, 3]"},
              {[] { index_put(zeros({2, 3}), {0}, zeros({2})); }, "does not broadcast to [3]"},
              {[] { index_put(zeros({2, 3}), {tensor({1})}, zeros({3}, i64)); }, "the value is i64"}}},
        {.name = "index_put_",
         .golden = {{"index_put_", put_in_place({})},
                    {"index_put_accumulate_", put_in_place({.accumulate = true})}},
         .gradients =
             {{"IndexPutInPlace",
               [](Inputs x) { return square(square(x[0]).index_put_({tensor({2, 0})}, x[1])) * x[0]; },
               {{{3, 4}}, {{2, 4}}}},
              {"IndexPutInPlaceOnAConstant",
               [](Inputs x) { return square(ones({3, 4}, f64).index_put_({Slice{1, 3}}, x[0])); },
               {{{2, 4}}}},
              {"IndexPutInPlaceOfItself",
               [](Inputs x) {
                 Tensor y = square(x[0]);
                 return y.index_put_({tensor({1, 0})}, y, {.accumulate = true}) * x[0];
               },
               {{{2, 3}}}}},
         .refusals = {{[] { zeros({2, 3}).index_put_({tensor({2})}, 0); }, "index 2 at position [0]"},
                      {[] { zeros({1, 3}).expand({2, 3}).index_put_({0}, 0); }, "share memory"},
                      {[] { zeros({2, 3}).requires_grad_().index_put_({0}, 0); }, "a leaf"},
                      {[] { zeros({2, 3}).index_put_({0, tensor({true})}, 0); }, "does not fit shape [3]"}}},
    }};

TEST(AdvancedIndex, ReadsWellAndGivesViewsWhereItCan) {
  Tensor x = arange(24).reshape({2, 3, 4});
  EXPECT_TRUE((x[Slice{0, -1}, Ellipsis, 3].shares_storage(x)));
  EXPECT_TRUE((x[0, None, tensor(1)].shares_storage(x)));
  EXPECT_FALSE((x[tensor({0, 1})].shares_storage(x)));
  EXPECT_FALSE((x[true].shares_storage(x)));
  EXPECT_TRUE(equal(x.index({Slice{0, -1}, Ellipsis, 3}), tensor({{3, 7, 11}})));
  EXPECT_TRUE(equal(x[x > 21], tensor({22, 23})));
  EXPECT_TRUE(equal(x[1, 2, 3], tensor(23)));
  x[1, 2].fill_(0);
  x.index_put_({x > 18}, -1);
  EXPECT_TRUE(equal(x[1], tensor({{12, 13, 14, 15}, {16, 17, 18, -1}, {0, 0, 0, 0}})));
}

TEST(AdvancedIndex, PutWithViewsWritesThroughThem) {
  Tensor x = zeros({2, 3}, i64);
  const Tensor column = x.select(1, 1);
  x.index_put_({Ellipsis, 1}, tensor({5, 6}));
  x.index_put_({0, 1}, 1, {.accumulate = true});
  EXPECT_TRUE(equal(column, tensor({6, 6})));
  x.t().index_put_({tensor({1, 2}), 0}, 9);  // a view of what is not contiguous
  EXPECT_TRUE(equal(x, tensor({{0, 9, 9}, {0, 6, 0}})));
}

TEST(AdvancedIndex, ReadsItsOwnMemoryBeforeItWrites) {
  Tensor x = tensor({2, 0, 1});
  x.index_put_({x}, x);
  EXPECT_TRUE(equal(x, tensor({0, 1, 2})));
  Tensor flags = tensor({true, false, true});
  flags.index_put_({flags}, tensor({false, true}));
  EXPECT_TRUE(equal(flags, tensor({false, false, true})));
}

TEST(AdvancedIndex, KeepsTheLastOfSeveralAndSumsInF32) {
  Tensor x = zeros({2});
  x.index_put_({tensor({0, 0, 0})}, tensor({1.0, 2.0, 3.0}));
  EXPECT_TRUE(equal(x, tensor({3.0, 0.0})));
  Tensor sums = zeros({2, 2}, bf16);
  sums.t().index_put_({zeros({1000}, i64), ones({1000}, i64)}, 1, {.accumulate = true});
  EXPECT_EQ((sums[1, 0].item()), 1000);
}

TEST(AdvancedIndex, BackwardRefusesIndicesChangedSince) {
  const Tensor x = ones({3}).requires_grad_();
  Tensor index = tensor({0, 2});
  const Tensor y = x[index];
  index.fill_(1);
  EXPECT_THROW(y.sum().backward(), Error);
}

TEST(AdvancedIndex, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(7);
  const Tensor x = randn({40, 50, 20}, generator);
  const Tensor a = randint(-40, 40, {3000}, generator), b = randint(-50, 50, {3000}, generator);
  const Tensor values = randn({3000, 20}, generator);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor picked = x[a, b], put = x.index_put({a, b}, values),
               sums = x.index_put({a, b}, values, {.accumulate = true});
  set_num_threads(3);
  EXPECT_TRUE(equal(x[a, b], picked));
  EXPECT_TRUE(equal(x.index_put({a, b}, values), put));
  EXPECT_TRUE(equal(x.index_put({a, b}, values, {.accumulate = true}), sums));
  set_num_threads(threads);
}

}  // namespace
}  // namespace mica
