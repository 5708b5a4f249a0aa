#include <gtest/gtest.h>

#include <mica/nn/losses.h>
#include <mica/ops/reduce.h>
#include <mica/ops/softmax.h>

#include "golden.h"

namespace mica::nn {
namespace {

Tensor weight() { return from_vector(std::vector<double>{0.5, 2, 1, 0.25}); }
Buffer buffer(const Tensor& t) { return Buffer{t}; }

Tensor square_distance(const Tensor& a, const Tensor& b) { return square(a - b).sum(Shape(-1)); }

template <class Make> void follow(const std::string& name, Make make) {
  follow_golden(
      "loss", name, [&](DType) { return make(); },
      [](auto& layer, const std::vector<Tensor>& x) {
        if constexpr (requires { layer.forward(x[0], x[1]); })
          return std::vector<Tensor>{layer(x.at(0), x.at(1))};
        else
          return std::vector<Tensor>{layer(x.at(0), x.at(1), x.at(2))};
      });
}

// Calls fn(name, make) for each layer of the golden cases.
template <class Fn> void for_each_loss(Fn&& fn) {
  fn("L1Loss", [] { return L1Loss{}; });
  fn("MSELoss sum", [] { return MSELoss{.reduction = Reduction::sum}; });
  fn("SmoothL1Loss", [] { return SmoothL1Loss{.reduction = Reduction::none, .beta = 0.3}; });
  fn("HuberLoss", [] { return HuberLoss{.delta = 0.3}; });
  fn("CrossEntropyLoss",
     [] { return CrossEntropyLoss{.weight = buffer(weight()), .ignore_index = 1, .label_smoothing = 0.1}; });
  fn("NLLLoss", [] { return NLLLoss{.weight = buffer(weight()), .ignore_index = 1}; });
  fn("NLLLoss plain", [] { return NLLLoss2d{.reduction = Reduction::none}; });
  fn("PoissonNLLLoss", [] { return PoissonNLLLoss{.log_input = false, .full = true, .eps = 0.1}; });
  fn("GaussianNLLLoss", [] { return GaussianNLLLoss{.full = true, .eps = 0.2}; });
  fn("GaussianNLLLoss plain", [] { return GaussianNLLLoss{}; });
  fn("KLDivLoss", [] { return KLDivLoss{.reduction = Reduction::batchmean, .log_target = true}; });
  fn("BCELoss", [] { return BCELoss{.weight = buffer(weight())}; });
  fn("BCEWithLogitsLoss", [] {
    return BCEWithLogitsLoss{.weight = buffer(weight()), .pos_weight = buffer(weight().flip(Shape(0)))};
  });
  fn("SoftMarginLoss", [] { return SoftMarginLoss{}; });
  fn("HingeEmbeddingLoss", [] { return HingeEmbeddingLoss{.margin = 0.5}; });
  fn("MultiMarginLoss", [] { return MultiMarginLoss{.p = 2, .margin = 0.5, .weight = buffer(weight())}; });
  fn("MultiLabelMarginLoss", [] { return MultiLabelMarginLoss{.reduction = Reduction::sum}; });
  fn("MultiLabelSoftMarginLoss", [] { return MultiLabelSoftMarginLoss{.weight = buffer(weight())}; });
  fn("CosineEmbeddingLoss", [] { return CosineEmbeddingLoss{.margin = 0.2}; });
  fn("MarginRankingLoss", [] { return MarginRankingLoss{.margin = 0.2}; });
  fn("TripletMarginLoss", [] { return TripletMarginLoss{.margin = 2, .p = 3, .eps = 0.1, .swap = true}; });
  fn("TripletMarginWithDistanceLoss", [] {
    return TripletMarginWithDistanceLoss{.distance_function = square_distance, .margin = 2, .swap = true};
  });
}

TEST(Losses, FollowPyTorch) {
  for_each_loss([](const char* name, auto make) { follow(name, make); });
  follow_golden(
      "loss", "CTCLoss", [](DType) { return CTCLoss{.blank = 3, .zero_infinity = true}; },
      [](CTCLoss& layer, const std::vector<Tensor>& x) {
        return std::vector<Tensor>{
            layer(log_softmax(x.at(0).unsqueeze(1), -1), tensor({{1, 2}}), tensor({3}), tensor({2}))};
      });
}

TEST(Losses, PrintAsPyTorchs) {
  std::map<std::string, std::string> texts{{"CTCLoss", CTCLoss{}.to_string()}};
  for_each_loss([&](const char* name, auto make) { texts[name] = make().to_string(); });
  expect_prints("loss", texts);
}

TEST(Losses, KeepTheirWeightsInTheState) {
  BCEWithLogitsLoss loss{.pos_weight = buffer(weight())};
  const StateDict state = loss.state_dict();
  EXPECT_EQ(state.size(), 1U);
  EXPECT_TRUE(state.contains("pos_weight"));
  EXPECT_TRUE(NLLLoss{}.state_dict().empty());
  BCEWithLogitsLoss copy = loss.clone();
  copy.pos_weight.fill_(1);
  EXPECT_EQ(loss.pos_weight.max().item(), 2);
}

}  // namespace
}  // namespace mica::nn
