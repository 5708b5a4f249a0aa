// That nothing lacks golden cases: no layer, no loss, and no case lacks a test that follows it.
#include "golden.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../golden/declared.h"

namespace mica::nn {
namespace {

// Layers and losses: all classes with a base that is not one of these, and the names of class templates, such
// as Conv2d.
std::set<std::string> declared_layers() {
  const std::set<std::string> no_layers{"Tensor", "StateTensor", "Method", "std::enable_shared_from_this"};
  const std::string text = mica::golden::headers_of("nn");
  const std::string derived = R"((?:class|struct) (\w+)(?: final)? : (?:public )?([\w:]+))";
  std::set<std::string> layers, templates;
  for (const auto& [name, base] : mica::golden::declared(text, "[^>]\n" + derived)) {
    if (!no_layers.contains(base)) layers.insert(name);
  }
  for (const auto& [name, base] : mica::golden::declared(text, "\ntemplate <[^\n]*>\\s" + derived)) {
    templates.insert(name);
  }
  for (const auto& [name, of] : mica::golden::declared(text, "\nusing (\\w+) =\\s+(\\w+)<")) {
    if (templates.contains(of)) layers.insert(name);
  }
  return layers;
}

std::vector<std::string> families() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(MICA_GOLDEN_DIR "/nn")) {
    if (entry.path().extension() == ".json") out.push_back(entry.path().stem());
  }
  return out;
}

// fn(family, case) for every case of follow_golden().
template <class Fn> void for_each_case(Fn fn) {
  for (const std::string& family : families()) {
    if (!has_golden(family, "layers")) continue;
    for (const auto& layer : golden(family, "layers")) fn(family, layer);
  }
}

TEST(Golden, EveryLayerAndLossHasACaseWithDerivatives) {
  std::set<std::string> kinds;
  for_each_case([&](const std::string&, const nlohmann::json& layer) {
    if (why_no_derivatives(layer["name"]).empty()) kinds.insert(layer["kind"]);
  });
  const std::set<std::string> layers = declared_layers();
  EXPECT_GE(layers.size(), 140U);
  for (const std::string& layer : layers) EXPECT_TRUE(kinds.contains(layer)) << "no golden case: " << layer;
}

// At the end of a run of all tests.
class EveryCaseIsFollowed : public testing::Environment {
 public:
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*" || testing::UnitTest::GetInstance()->test_to_run_count() == 0)
      return;
    for_each_case([](const std::string& family, const nlohmann::json& layer) {
      const std::string name = family + ": " + layer["name"].get<std::string>();
      EXPECT_TRUE(followed_golden().contains(name)) << "no test follows " << name;
    });
  }
};
const auto* const every_case_is_followed = testing::AddGlobalTestEnvironment(new EveryCaseIsFollowed);

}  // namespace
}  // namespace mica::nn
