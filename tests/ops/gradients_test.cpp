// Runs the gradient cases of all files of this folder, and sees that they leave out no recorded operation.
#include "gradients.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include <mica/autograd/gradcheck.h>
#include <mica/autograd/node.h>
#include <mica/ops/ops.h>

#include "layouts.h"

namespace mica::gradients {

std::vector<Case>& all_cases() {
  static std::vector<Case> cases;
  return cases;
}

void add_case(const Case& c) {
  all_cases().push_back(c);
  if (!c.any_shape) return;
  const std::pair<const char*, Shape> shapes[] = {{"ZeroDim", {}}, {"ZeroSize", {0, 2}}, {"SizeOne", {1, 1}}};
  for (const auto& [name, sizes] : shapes) {
    Case other = c;
    other.name += name;
    for (Input& input : other.inputs) input.sizes = sizes;
    all_cases().push_back(std::move(other));
  }
}

namespace {

using layouts::Layout;

Shape without_first_extent(Shape sizes) {
  const auto wide = std::find_if(sizes.begin(), sizes.end(), [](std::int64_t n) { return n > 1; });
  if (wide != sizes.end()) *wide = 1;
  return sizes;
}

Tensor leaf(const Input& input, Layout layout, Generator& generator) {
  const Shape sizes = layout == Layout::expanded ? without_first_extent(input.sizes) : input.sizes;
  const Tensor values = rand(sizes, generator, f64) * (input.high - input.low) + input.low;
  return layouts::arranged(values, layout).requires_grad_();
}

// The case with each input in a layout: leaves, and the function of the leaves.
struct Trial {
  std::vector<Tensor> leaves;
  Function fn;
};
Trial arrange(const Case& c, std::span<const Layout> layout_of_input) {
  Generator generator(std::hash<std::string>{}(c.name));
  Trial trial;
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    trial.leaves.push_back(leaf(c.inputs[i], layout_of_input[i], generator));
  trial.fn = [&c](Inputs leaves) {
    const EnableGrad enable;  // cases that are gradients themselves need the history of expanded inputs
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const Shape& sizes = c.inputs[i].sizes;
      inputs.push_back(leaves[i].sizes() == sizes ? leaves[i] : leaves[i].expand(sizes));
    }
    return c.fn(inputs);
  };
  return trial;
}

Tensor some_direction(const Tensor& y) {
  Generator generator(3);
  return randn(y.sizes(), generator, f64);
}

// Rules may have a fused form and one made of operations; both must give the same, and backward() what grad()
// gives.
void expect_same_recorded_or_not(const Trial& trial) {
  const Tensor y = trial.fn(trial.leaves);
  const Tensor direction = some_direction(y);
  const auto recorded =
      autograd::grad({&y, 1}, trial.leaves, {&direction, 1}, {.create_graph = true, .allow_unused = true});
  y.backward(direction);
  for (std::size_t i = 0; i < trial.leaves.size(); ++i) {
    const Tensor grad = trial.leaves[i].grad();
    ASSERT_EQ(recorded[i].defined(), grad.defined()) << "input " << i;
    if (!grad.defined()) continue;
    EXPECT_EQ(grad.sizes(), trial.leaves[i].sizes());
    EXPECT_EQ(grad.dtype(), f64);
    EXPECT_TRUE(allclose(grad, recorded[i].detach(), 1e-9, 1e-9)) << "input " << i;
  }
}

void expect_gradients(const Trial& trial) {
  EXPECT_EQ(autograd::gradcheck(trial.fn, trial.leaves), "");
  EXPECT_EQ(autograd::gradgradcheck(trial.fn, trial.leaves), "");
  expect_same_recorded_or_not(trial);
}

class GradientTest : public testing::TestWithParam<Case> {};

TEST_P(GradientTest, AgreesWithFiniteDifferencesOnEveryLayout) {
  const Case& c = GetParam();
  for (const Layout layout : layouts::all) {
    if (layout == Layout::expanded && !c.repeats) continue;
    SCOPED_TRACE(testing::Message() << "layout " << static_cast<int>(layout));
    expect_gradients(arrange(c, std::vector<Layout>(c.inputs.size(), layout)));
  }
  if (c.inputs.size() < 2 || !c.repeats) return;
  SCOPED_TRACE("each input in another layout");
  std::vector<Layout> mixed;
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    mixed.push_back(layouts::all[(i + 1) % layouts::all.size()]);
  expect_gradients(arrange(c, mixed));
}

INSTANTIATE_TEST_SUITE_P(Of, GradientTest, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name; });

// ---- completeness ----

void collect_names(const Tensor& y, std::set<std::string>& names) {
  if (!y.defined()) return;
  std::set<const NodeBase*> seen;
  std::vector<const Node*> nodes;
  const auto visit = [&](const autograd::Edge& edge) {
    if (edge.node && seen.insert(edge.node.get()).second)
      nodes.push_back(static_cast<const Node*>(edge.node.get()));
  };
  visit(autograd::edge_to(y));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    names.insert(nodes[i]->name());
    for (const autograd::Edge& edge : nodes[i]->edges()) visit(edge);
  }
}

// The operations in the graphs of all cases and of their gradients.
std::set<std::string> covered_operations() {
  std::set<std::string> names;
  for (const Case& c : all_cases()) {
    const Trial trial = arrange(c, std::vector<Layout>(c.inputs.size(), Layout::contiguous));
    const Tensor y = trial.fn(trial.leaves);
    collect_names(y, names);
    Tensor direction = some_direction(y);
    direction.requires_grad_();
    for (const Tensor& grad :
         autograd::grad({&y, 1}, trial.leaves, {&direction, 1}, {.create_graph = true, .allow_unused = true}))
      collect_names(grad, names);
  }
  return names;
}

// The names that the sources of the operations give to what they record with a derivative.
std::set<std::string> recorded_operations() {
  const std::regex call(
      R"re(\b(?:record(?!_not_differentiable)\w*|rebase|scalar_in_place|extremum\w*|ordered|selected|)re"
      R"re(median_\w+|run|function\w*|steps|rest|limit_by|map_as|return each|exponential_unit|trace_and_map|scaled|)re"
      R"re(shifted|of_channels)(?:<\w>)?\(\s*"([\w:]+)")re"
      R"re(|const char\* name = \w+ \? "(\w+)" : "(\w+)")re");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(MICA_GOLDEN_DIR "/../../mica/ops")) {
    if (entry.path().extension() != ".cpp" && entry.path().filename() != "map.h") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator it(source.begin(), source.end(), call), end; it != end; ++it) {
      for (std::size_t group = 1; group < it->size(); ++group) {
        if ((*it)[group].matched) names.insert((*it)[group].str());
      }
    }
  }
  return names;
}

TEST(GradientCases, CoverEveryRecordedOperation) {
  const auto covered = covered_operations();
  const auto recorded = recorded_operations();
  EXPECT_GT(recorded.size(), 50U) << "the sources were not read";
  for (const std::string& name : recorded)
    EXPECT_TRUE(covered.contains(name)) << name << " has no gradient case";
  for (const std::string& name : covered)
    EXPECT_TRUE(recorded.contains(name)) << name << " is recorded in a way that this test does not find";
}

}  // namespace
}  // namespace mica::gradients
