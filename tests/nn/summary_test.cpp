#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/dropout.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Summary::Row& row(const Summary& summary, std::string_view path) {
  for (const Summary::Row& candidate : summary.rows) {
    if (candidate.path == path) return candidate;
  }
  throw std::runtime_error("no row " + std::string(path));
}

struct Net : Module {
  Conv2d conv{3, 8, 3, {.padding = 1}};
  BatchNorm2d norm{8};
  ReLU act;
  Flatten flat;
  Linear fc{8 * 6 * 6, 10};
  Tensor forward(Tensor x) { return fc(flat(act(norm(conv(x))))); }
};

TEST(Summary, HasARowForEveryModuleInOrder) {
  Net net;
  net.fc.requires_grad_(false);
  const Summary s = summary(net, randn({2, 3, 6, 6}));
  std::vector<std::string> paths, types;
  for (const Summary::Row& r : s.rows) {
    paths.push_back(r.path);
    types.push_back(r.type);
    EXPECT_EQ(r.calls, 1) << r.path;
  }
  EXPECT_THAT(paths, ElementsAre("", "conv", "norm", "act", "flat", "fc"));
  EXPECT_THAT(types, ElementsAre("Net", "Conv2d", "BatchNorm2d", "ReLU", "Flatten", "Linear"));
  EXPECT_THAT(row(s, "conv").output, ElementsAre(Shape{2, 8, 6, 6}));
  EXPECT_THAT(row(s, "flat").output, ElementsAre(Shape{2, 288}));
  EXPECT_THAT(row(s, "").output, ElementsAre(Shape{2, 10}));
  EXPECT_EQ(row(s, "conv").parameters, 8 * 3 * 9 + 8);
  EXPECT_EQ(row(s, "conv").trainable, 8 * 3 * 9 + 8);
  EXPECT_EQ(row(s, "fc").parameters, 2890);
  EXPECT_EQ(row(s, "fc").trainable, 0);
  EXPECT_EQ(row(s, "").parameters, 0) << "those of the modules inside are theirs";
  EXPECT_EQ(s.parameters, net.num_parameters());
  EXPECT_EQ(s.trainable, net.num_parameters(true));
  EXPECT_EQ(s.parameter_bytes, 4 * net.num_parameters());
  EXPECT_EQ(s.buffer_bytes, 2 * 8 * 4 + 8);
}

TEST(Summary, CountsAMultiplicationWithAnAdditionAsTwo) {
  Net net;
  const Summary s = summary(net, randn({2, 3, 6, 6}));
  // Every element of the result is a sum of products: one with each weight that meets it.
  EXPECT_EQ(row(s, "conv").flops, 2 * (2 * 8 * 6 * 6) * (3 * 3 * 3));
  EXPECT_EQ(row(s, "fc").flops, 2 * 2 * 10 * 288);
  EXPECT_EQ(row(s, "norm").flops, std::nullopt);
  EXPECT_EQ(s.flops, *row(s, "conv").flops + *row(s, "fc").flops);

  Conv2d grouped{4, 6, {3, 1}, {.stride = 2, .groups = 2}};
  EXPECT_EQ(summary(grouped, randn({4, 9, 9})).flops, 2 * (6 * 4 * 5) * (2 * 3 * 1));
  Linear wide{5, 7, {.bias = false}};
  EXPECT_EQ(summary(wide, randn({2, 3, 5})).flops, 2 * 2 * 3 * 7 * 5);
}

struct Scaled : Module {
  Tensor forward(const Tensor& x) { return x * 3; }
  std::int64_t flops(const Arguments& args, const Value&) const { return args.tensor(0).numel(); }
};

TEST(Summary, AsksAModuleForItsFlops) {
  Sequential net{Scaled{}, Scaled{}, Linear{4, 2}};
  const Summary s = summary(net, randn({3, 4}));
  EXPECT_EQ(row(s, "0").flops, 12);
  EXPECT_EQ(s.flops, 24 + 2 * 3 * 2 * 4);
}

struct Tied : Module {
  Linear in{4, 4}, out{4, 4};
  std::vector<Linear> unused = repeat(1, [] { return Linear{1, 1}; });
  Tied() { out.weight = tied(in.weight); }
  NN_MEMBERS(in, out, unused)
  Tensor forward(Tensor x) {
    for (int i = 0; i < 3; ++i) x = in(x);
    return out(x);
  }
};

TEST(Summary, CountsTiedParametersOnceAndLoopsInOneRow) {
  Tied net;
  const Summary s = summary(net, randn({2, 4}));
  EXPECT_EQ(row(s, "in").parameters, 20);
  EXPECT_EQ(row(s, "out").parameters, 20);
  EXPECT_EQ(s.parameters, 16 + 4 + 4 + 2);
  EXPECT_EQ(row(s, "in").calls, 3);
  EXPECT_EQ(row(s, "in").flops, 3 * 2 * 2 * 4 * 4);
  EXPECT_EQ(row(s, "unused").type, "ModuleList");
  EXPECT_EQ(row(s, "unused.0").calls, 0);
  EXPECT_THAT(row(s, "unused.0").output, ElementsAre());
}

struct Views : Module {
  Linear fc{4, 4};
  Flatten flat;
  Identity same;
  Sequential chain{Linear{16, 2}, Identity{}};
  Tensor forward(const Tensor& x) { return chain(same(flat(fc(x)))) + 1; }
};

TEST(Summary, CountsEachBlockOfMemoryOnce) {
  Views net;
  const Summary s = summary(net, randn({8, 4, 4}));
  EXPECT_EQ(row(s, "fc").memory, 8 * 4 * 4 * 4);
  EXPECT_EQ(row(s, "flat").memory, 0);
  EXPECT_EQ(row(s, "same").memory, 0);
  EXPECT_EQ(row(s, "chain.0").memory, 8 * 2 * 4);
  EXPECT_EQ(row(s, "chain").memory, 0);
  EXPECT_EQ(row(s, "").memory, 8 * 2 * 4);
  EXPECT_EQ(s.memory, 8 * 4 * 4 * 4 + 2 * 8 * 2 * 4);
}

struct Several : Module {
  Linear fc{2, 3};
  std::tuple<Tensor, std::vector<Tensor>> unknown(const Tensor& x) { return {x, {x}}; }
  std::pair<Tensor, Tensor> forward(const Tensor& a, const Tensor& b, double scale) {
    return {fc(a) * scale, fc(b)};
  }
};

TEST(Summary, TakesWhatForwardTakes) {
  Several net;
  const Summary s = summary(net, ones({1, 2}), ones({4, 2}), 0.5);
  EXPECT_THAT(row(s, "").output, ElementsAre(Shape{1, 3}, Shape{4, 3}));
  EXPECT_THAT(row(s, "fc").output, ElementsAre(Shape{4, 3})) << "the last call's";
}

struct Careless : Module {
  int fails = 0;
  Linear fc{2, 2};
  Dropout drop{0.5};
  BatchNorm1d norm{2};
  Buffer seen{zeros({2})};
  Buffer broken{full({1}, std::numeric_limits<float>::quiet_NaN())};
  Tensor last{};
  std::vector<Tensor> history{};
  Mode mode;
  Tensor forward(const Tensor& x) {
    EXPECT_FALSE(mode.training);
    EXPECT_FALSE(autograd::grad_enabled());
    seen += 1;
    last = norm(drop(fc(x)));
    if (!history.empty()) history[0].fill_(9);
    history.push_back(rand({2}));
    if (fails != 0) throw std::runtime_error("as asked");
    return last;
  }
};

void expect_untouched(bool fails) {
  Careless net{.fails = fails};
  const Tensor last = ones({1}), old = ones({2});
  net.last = last;
  net.history = {old};
  net.drop.eval();
  manual_seed(3);
  const float expected = rand({1}).item<float>();
  manual_seed(3);
  const std::uint32_t version = net.broken.version();
  if (fails)
    EXPECT_THROW(static_cast<void>(summary(net, randn({1, 2}, f32))), std::runtime_error);
  else
    EXPECT_EQ(summary(net, ones({1, 2})).rows.size(), 4U);
  EXPECT_TRUE(net.mode.training);
  EXPECT_TRUE(net.norm.mode.training);
  EXPECT_FALSE(net.drop.mode.training);
  EXPECT_TRUE(equal(net.seen, zeros({2})));
  EXPECT_TRUE(equal(net.norm.running_mean, zeros({2})));
  EXPECT_EQ(net.broken.version(), version) << "what did not change is not written";
  EXPECT_TRUE(net.last.is_same(last));
  EXPECT_TRUE(net.history[0].is_same(old));
  EXPECT_TRUE(equal(old, ones({2})));
  EXPECT_TRUE(autograd::grad_enabled());
  EXPECT_EQ(detail::live_hooks.load(), 0);
  if (!fails) EXPECT_EQ(rand({1}).item<float>(), expected);
}

TEST(Summary, LeavesTheModelAsItWas) { expect_untouched(false); }
TEST(Summary, LeavesTheModelAsItWasWhenForwardThrows) { expect_untouched(true); }

TEST(Summary, SeesWhatHooksMakeOfTheResult) {
  Linear fc{2, 2};
  auto hook = fc.register_forward_hook([](Linear&, Arguments&, Tensor& y) { y = y.flatten(); });
  EXPECT_THAT(summary(fc, ones({3, 2})).rows[0].output, ElementsAre(Shape{6}));
}

TEST(Summary, PrintsAnAlignedTableWithTotals) {
  Tied net;
  std::ostringstream out;
  out << summary(net, randn({2, 4}));
  EXPECT_EQ(out.str(),
            "path      type                     output  parameters  trainable  FLOPs  memory\n"
            "-------------------------------------------------------------------------------\n"
            "          Tied                     [2, 4]           -          -      -       -\n"
            "in        Linear (called 3 times)  [2, 4]          20         20    192    96 B\n"
            "out       Linear                   [2, 4]          20         20     64    32 B\n"
            "unused    ModuleList               -                -          -      -       -\n"
            "unused.0  Linear                   -                2          2      -       -\n"
            "\n26 parameters (104 B), 26 of them trainable; buffers 0 B\n"
            "one call: 256 FLOPs, results 128 B\n");
  Linear large{2000, 1500, {.bias = false}};
  EXPECT_THAT(summary(large, ones({400, 2000})).to_string(),
              testing::AllOf(HasSubstr("3,000,000"), HasSubstr("2.40 GFLOPs"), HasSubstr("12.0 MB"),
                             HasSubstr("2.40 MB")));
}

}  // namespace
}  // namespace mica::nn
