// What nn::Module's call operator does around forward().
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/optim/sgd.h>

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// The path in the error that calling `module` with two columns gives.
template <class M> std::string path_of_error(M& module, const Tensor& x = ones({1, 2})) {
  try {
    module(x);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\n  in " + error.module_path()));
    return error.module_path();
  }
  return "nothing was thrown";
}

struct Block : Module {
  int in = 2;
  Linear fc{in, 2};
  Tensor forward(const Tensor& x) { return fc(x); }
};

struct Net : Module {
  std::vector<Block> blocks{};
  Linear head{2, 2};
  Tensor forward(Tensor x) {
    for (Block& block : blocks) x = block(x);
    return head(x);
  }
};

TEST(ModulePath, LeadsToTheModuleThatThrew) {
  Net net;
  net.blocks.push_back(Block{});
  net.blocks.push_back(Block{});
  net.blocks.push_back(Block{.in = 3});
  EXPECT_EQ(path_of_error(net), "Net.blocks.2.fc (Linear)");
  EXPECT_EQ(path_of_error(net.blocks[2]), "Block.fc (Linear)");
  EXPECT_EQ(path_of_error(net.blocks[2].fc), "Linear");
  net.blocks.pop_back();
  net.head = Linear{5, 1};
  EXPECT_EQ(path_of_error(net), "Net.head (Linear)");
}

TEST(ModulePath, GoesThroughEveryContainer) {
  struct Outer : Module {
    std::map<std::string, std::vector<std::unique_ptr<Block>>> table{};
    std::optional<Sequential> chain{};
    Tensor forward(const Tensor& x) {
      if (chain) return (*chain)(x);
      return (*table.at("a")[1])(x);
    }
  };
  Outer outer;
  outer.table["a"].push_back(std::make_unique<Block>());
  outer.table["a"].push_back(std::make_unique<Block>(Block{.in = 3}));
  EXPECT_EQ(path_of_error(outer), "Outer.table.a.1.fc (Linear)");
  outer.chain.emplace(ReLU{}, Sequential{ReLU{}, Block{.in = 3}});
  EXPECT_EQ(path_of_error(outer), "Outer.chain.1.1.fc (Linear)");
}

TEST(ModulePath, TellsAModuleFromItsFirstMember) {
  struct Inner : Module {
    Linear first{3, 2};
    Tensor forward(const Tensor& x) { return first(x); }
  };
  struct Outer : Module {
    Inner inner;
    Tensor forward(const Tensor& x) { return inner(x); }
  };
  Outer outer;
  EXPECT_EQ(path_of_error(outer), "Outer.inner.first (Linear)");
}

TEST(ModulePath, SkipsLevelsWhoseForwardIsNotCalled) {
  struct Direct : Module {
    Net net{};
    Tensor forward(const Tensor& x) { return net.blocks[0].fc(x); }
  };
  Direct direct;
  direct.net.blocks.push_back(Block{.in = 3});
  EXPECT_EQ(path_of_error(direct), "Direct.net.blocks.0.fc (Linear)");
}

TEST(ModulePath, NamesTheModuleItselfForItsOwnErrors) {
  struct Own : Module {
    Linear fc{2, 3};
    Tensor forward(const Tensor& x) { return fc(x) + ones({7}); }
  };
  struct Around : Module {
    Own own;
    Tensor forward(const Tensor& x) { return own(x); }
  };
  Around around;
  EXPECT_EQ(path_of_error(around.own), "Own");
  EXPECT_EQ(path_of_error(around), "Around.own (Own)");
}

TEST(ModulePath, NamesByTypeWhatIsNoMember) {
  Block outside{.in = 3};
  struct Borrower : Module {
    Block* borrowed = nullptr;
    Tensor forward(const Tensor& x) { return (*borrowed)(x); }
  };
  Borrower borrower{.borrowed = &outside};
  EXPECT_EQ(path_of_error(borrower), "Borrower.(Block).fc (Linear)");
}

TEST(ModulePath, IsThatOfTheErrorThatLeaves) {
  struct Careful : Module {
    Block bad{.in = 3}, worse{.in = 4};
    Tensor forward(const Tensor& x) {
      try {
        return bad(x);
      } catch (const Error&) {
        return worse(x);
      }
    }
  };
  Careful careful;
  EXPECT_EQ(path_of_error(careful), "Careful.worse.fc (Linear)");
  EXPECT_EQ(path_of_error(careful.bad), "Block.fc (Linear)");
}

TEST(Call, LetsOtherExceptionsThroughAndEndsTheForward) {
  struct Throws : Module {
    Tensor forward(const Tensor&) { throw std::runtime_error("mine"); }
  };
  Throws throws;
  EXPECT_THROW(throws(ones({1})), std::runtime_error);
  EXPECT_NO_THROW(Linear(1, 1));  // no forward is running any more
}

// A module whose forward does whatever it is told.
struct Does : Module {
  std::function<void()> what;
  Parameter p{ones({2})};
  Tensor forward(const Tensor& x) {
    what();
    return x * p;
  }
};

void expect_refused(std::function<void()> what, const char* type) {
  Does module{.what = std::move(what)};
  EXPECT_THAT([&] { module(ones({2})); },
              ThrowsMessage<Error>(AllOf(HasSubstr(type), HasSubstr("inside the forward of Does"),
                                         HasSubstr("declare it as a member"))));
}

TEST(Forward, CannotMakeLayersParametersAndBuffers) {
  const Tensor x = ones({2});
  expect_refused([&] { Parameter{x}; }, "nn::Parameter");
  expect_refused([&] { Buffer{x}; }, "nn::Buffer");
  expect_refused([] { Linear(2, 2); }, "nn::Linear");
  expect_refused([] { Conv2d(2, 2, 1); }, "nn::Conv2d");
  expect_refused([] { BatchNorm1d(2); }, "nn::BatchNorm1d");
  expect_refused([] { BatchNorm2d(2, {.affine = false, .track_running_stats = false}); }, "nn::BatchNorm2d");
  expect_refused([] { LayerNorm(2, {.elementwise_affine = false}); }, "nn::LayerNorm");
  expect_refused([] { Embedding(2, 2); }, "nn::Embedding");
  expect_refused([] { Dropout(0.5); }, "nn::Dropout");  // eval() would never reach it
  expect_refused([] { Block().fc.zero_grad(); }, "nn::Linear");
}

TEST(Forward, CannotMakeThemInsideInnerForwardsEither) {
  struct Outer : Module {
    Does inner;
    Tensor forward(const Tensor& x) { return inner(x); }
  };
  Outer outer{.inner = Does{.what = [] { Linear(2, 2); }}};
  EXPECT_THAT([&] { outer(ones({2})); }, ThrowsMessage<Error>(AllOf(HasSubstr("inside the forward of Does"),
                                                                    HasSubstr("in Outer.inner (Does)"))));
  EXPECT_NO_THROW(Linear(2, 2));
}

TEST(Forward, CannotTrain) {
  Parameter p(ones({2}));
  const Tensor loss = (p * 2).sum();
  optim::SGD sgd({p});
  Does backward{.what = [&] { loss.backward(); }}, step{.what = [&] { sgd.step(); }};
  EXPECT_THAT([&] { backward(ones({2})); },
              ThrowsMessage<Error>(AllOf(HasSubstr("backward() was called inside the forward of Does"),
                                         HasSubstr("training belongs outside the model"))));
  EXPECT_THAT([&] { step(ones({2})); },
              ThrowsMessage<Error>(AllOf(HasSubstr("[SGD] step() was called inside the forward of Does"),
                                         HasSubstr("training belongs outside the model"))));
  EXPECT_FALSE(p.grad().defined());
}

TEST(Forward, MayComputeGradients) {
  struct Energy : Module {
    Parameter scale{full({1}, 3)};
    Tensor forward(const Tensor& x) {  // the force of an energy: its gradient, differentiable once more
      const Tensor at = x.detach().requires_grad_();
      const Tensor energy = (at.square() * scale).sum();
      return autograd::grad(energy, at, {.create_graph = true});
    }
  };
  Energy energy;
  const Tensor force = energy(ones({2}));
  EXPECT_EQ(force.to_vector<float>(), (std::vector<float>{6, 6}));
  force.sum().backward();
  EXPECT_EQ(energy.scale.grad().item(), 4);
}

TEST(Forward, MayHaveAnySignature) {
  struct Attention : Module {
    Linear query{2, 2};
    std::tuple<Tensor, Tensor> forward(const Tensor& q, const Tensor& k,
                                       const std::optional<Tensor>& mask = {}, bool scaled = true) {
      Tensor scores = query(q) * k;
      if (scaled) scores = scores / 2;
      if (mask) scores = scores.masked_fill(*mask, 0);
      return {scores, k};
    }
  };
  Attention attention;
  const Tensor q = ones({1, 2}), k = ones({1, 2});
  const auto [all, same] = attention(q, k);
  EXPECT_TRUE(same.is_same(k));
  const auto [masked, ignored] = attention(q, k, tensor({true, false}), false);
  EXPECT_EQ(masked.to_vector<float>()[0], 0);
  EXPECT_FLOAT_EQ(masked.to_vector<float>()[1], 2 * all.to_vector<float>()[1]);

  struct Counter : Module {
    std::vector<int> seen{};
    int& forward(std::unique_ptr<int> n) {
      seen.push_back(*n);
      return seen.back();
    }
  };
  Counter counter;
  int& last = counter(std::make_unique<int>(3));
  EXPECT_EQ(&last, &counter.seen.back());

  struct Overloaded : Module {
    int forward(int x) { return x + 1; }
    std::string forward(const std::string& x) { return x + "1"; }
    void forward() {}
  };
  Overloaded overloaded;
  EXPECT_EQ(overloaded(1), 2);
  EXPECT_EQ(overloaded(std::string("a")), "a1");
  overloaded();
}

}  // namespace
}  // namespace mica::nn
