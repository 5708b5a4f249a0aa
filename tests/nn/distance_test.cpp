#include <gtest/gtest.h>

#include <mica/nn/distance.h>

#include "golden.h"

namespace mica::nn {
namespace {

template <class Make> void follow(const char* name, Make make) {
  follow_golden("distance", name, make, [](auto& layer, const std::vector<Tensor>& x) {
    return std::vector<Tensor>{layer(x.at(0), x.at(1))};
  });
}

TEST(Distances, FollowPyTorch) {
  follow("pairwise", [](DType) { return PairwiseDistance{}; });
  follow("pairwise of all options",
         [](DType) { return PairwiseDistance{.p = 3, .eps = 0.1, .keepdim = true}; });
  follow("cosine", [](DType) { return CosineSimilarity{}; });
  follow("cosine of all options", [](DType) { return CosineSimilarity{.dim = 0, .eps = 1e-3}; });
  expect_prints("distance", {{"pairwise", PairwiseDistance{.p = 3}.to_string()},
                             {"cosine", CosineSimilarity{.dim = 0}.to_string()}});
}

}  // namespace
}  // namespace mica::nn
