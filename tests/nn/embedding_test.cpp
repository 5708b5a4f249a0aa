#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/embedding.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Embedding, FollowsPyTorch) {
  follow_golden("embedding", "embedding", [](DType dtype) { return Embedding(6, 3, {.dtype = dtype}); });
  follow_golden("embedding", "embedding with padding",
                [](DType dtype) { return Embedding(6, 4, {.padding_idx = -2, .dtype = dtype}); });
}

TEST(Embedding, FollowsPyTorchWithAllOptions) {
  follow_golden("embedding", "embedding of all options", [](DType dtype) {
    return Embedding(
        6, 3,
        {.padding_idx = 1, .max_norm = 1, .norm_type = 1.5, .scale_grad_by_freq = true, .dtype = dtype});
  });
}

TEST(EmbeddingBag, FollowsPyTorch) {
  follow_golden("embedding", "bag", [](DType dtype) { return EmbeddingBag(6, 3, {.dtype = dtype}); });
  const auto with_offsets = [](EmbeddingBag& layer, const std::vector<Tensor>& x) {
    return std::vector<Tensor>{layer(x.at(0), x.at(1))};
  };
  for (const auto& [name, mode] :
       {std::pair{"bag sum", BagMode::sum}, {"bag mean", BagMode::mean}, {"bag max", BagMode::max}}) {
    follow_golden("embedding", name, [mode](DType dtype) {
      return EmbeddingBag(6, 3, {.mode = mode, .padding_idx = 2, .dtype = dtype});
    });
    follow_golden(
        "embedding", std::string(name) + " with offsets",
        [mode](DType dtype) { return EmbeddingBag(6, 3, {.mode = mode, .dtype = dtype}); }, with_offsets);
  }
  follow_golden(
      "embedding", "bag of all options",
      [](DType dtype) {
        return EmbeddingBag(6, 3,
                            {.max_norm = 1,
                             .norm_type = 1.5,
                             .mode = BagMode::sum,
                             .include_last_offset = true,
                             .padding_idx = -1,
                             .dtype = dtype});
      },
      with_offsets);
  follow_golden(
      "embedding", "bag weighted",
      [](DType dtype) { return EmbeddingBag(6, 3, {.mode = BagMode::sum, .dtype = dtype}); },
      [](EmbeddingBag& layer, const std::vector<Tensor>& x) {
        return std::vector<Tensor>{layer(x.at(0), x.at(1), x.at(2))};
      });
}

TEST(EmbeddingBag, PrintsAsPyTorchs) {
  expect_prints(
      "embedding",
      {{"embedding of all options",
        Embedding(6, 3, {.padding_idx = 1, .max_norm = 1, .norm_type = 1.5, .scale_grad_by_freq = true})
            .to_string()},
       {"bag", EmbeddingBag(6, 3).to_string()},
       {"bag of all options", EmbeddingBag(6, 3,
                                           {.max_norm = 2.5,
                                            .norm_type = 1,
                                            .scale_grad_by_freq = true,
                                            .mode = BagMode::sum,
                                            .padding_idx = -1})
                                  .to_string()}});
}

TEST(EmbeddingBag, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { EmbeddingBag(-1, 2); }, message("num_embeddings -1"));
  EXPECT_THAT([] { EmbeddingBag(3, 2, {.padding_idx = 3}); }, message("padding_idx 3 is out of range"));
  EmbeddingBag layer(3, 2);
  EXPECT_THAT([&] { layer(tensor({0, 1})); }, message("in EmbeddingBag"));
}

TEST(Embedding, FromPretrainedSharesTheNumbersAndIsFrozen) {
  const Tensor numbers = tensor({{1.0, 2.0}, {3.0, 4.0}}).to(f64);
  Embedding frozen = Embedding::from_pretrained(numbers, true, {.padding_idx = 0});
  EXPECT_EQ(frozen.weight.dtype(), f64);
  EXPECT_FALSE(frozen.weight.requires_grad());
  EXPECT_TRUE(frozen.weight.shares_storage(numbers));
  EXPECT_EQ(frozen(tensor({0})).to_vector<double>(), (std::vector<double>{1, 2}));  // padding is not zeroed
  EXPECT_TRUE(Embedding::from_pretrained(numbers, false).weight.requires_grad());
  EmbeddingBag bag = EmbeddingBag::from_pretrained(numbers, false, {.mode = BagMode::max});
  EXPECT_TRUE(bag.weight.requires_grad());
  EXPECT_EQ(bag(tensor({{0, 1}})).to_vector<double>(), (std::vector<double>{3, 4}));
  EXPECT_THAT([] { Embedding::from_pretrained(ones({3})); },
              ThrowsMessage<Error>(HasSubstr("embeddings of shape [3]")));
  EXPECT_THAT([] { EmbeddingBag::from_pretrained(ones({3})); },
              ThrowsMessage<Error>(HasSubstr("are no table")));
}

TEST(EmbeddingBag, IsClonedWithItsOptions) {
  const EmbeddingBag layer(4, 2, {.max_norm = 3, .mode = BagMode::sum});
  const EmbeddingBag copy = layer.clone();
  EXPECT_EQ(copy.mode, BagMode::sum);
  EXPECT_EQ(copy.max_norm, 3);
  EXPECT_EQ(copy.weight.to_vector<float>(), layer.weight.to_vector<float>());
}

TEST(Embedding, KeepsThePaddingRowAtZero) {
  Embedding layer(3, 2, {.padding_idx = 1});
  EXPECT_EQ(layer.weight[1].to_vector<float>(), (std::vector<float>{0, 0}));
  layer.reset_parameters();
  EXPECT_EQ(layer.weight[1].to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_NE(layer.weight[0].to_vector<float>(), (std::vector<float>{0, 0}));
  layer(tensor({0, 1, 1})).sum().backward();
  EXPECT_EQ(layer.weight.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 0, 0}));
}

TEST(Embedding, TakesIndicesOfAnyShapeAndWidth) {
  Embedding layer(3, 2);
  EXPECT_EQ(to_string(layer(tensor(2)).sizes()), "[2]");
  EXPECT_EQ(to_string(layer(zeros({0, 4}, i64)).sizes()), "[0, 4, 2]");
  EXPECT_EQ(layer(tensor({2}).to(i32)).to_vector<float>(), layer(tensor({2})).to_vector<float>());
}

TEST(Embedding, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { Embedding(-1, 2); }, message("num_embeddings -1"));
  EXPECT_THAT([] { Embedding(3, 2, {.padding_idx = 3}); }, message("padding_idx 3 is out of range"));
  EXPECT_THAT([] { Embedding(3, 2, {.padding_idx = -4}); }, message("padding_idx -4 is out of range"));
  Embedding layer(3, 2);
  EXPECT_THAT([&] { layer(tensor({0, 3})); }, message("index 3 is out of range for a table of 3 rows"));
  EXPECT_THAT([&] { layer(tensor({-1})); }, message("in Embedding"));
  EXPECT_THAT([&] { layer(ones({2})); }, message("f32"));
}

}  // namespace
}  // namespace mica::nn
