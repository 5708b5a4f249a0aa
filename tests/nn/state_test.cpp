#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/nn/state.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::ThrowsMessage;

struct Net : Module {
  Linear fc{2, 3};
  BatchNorm1d norm{3};
  Parameter scale{ones({1})};
  Buffer cache{zeros({3}), transient};
  Tensor forward(const Tensor& x) { return norm(fc(x)) * scale; }
};

std::map<std::string, std::vector<double>> values(const StateDict& state) {
  std::map<std::string, std::vector<double>> out;
  for (const auto& [name, tensor] : state) out[name] = tensor.to_vector<double>();
  return out;
}

// Names and numbers of `state` with another entry of this name; without it if the tensor is undefined.
StateDict with(const StateDict& state, const std::string& name, const Tensor& replacement) {
  StateDict out;
  for (const auto& [key, tensor] : state) {
    if (key != name) out.insert(key, tensor);
  }
  if (replacement.defined()) out.insert(name, replacement);
  return out;
}

TEST(StateDict, ListsParametersAndPersistentBuffersInOrder) {
  const Net net;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : net.state_dict()) {
    names.push_back(name);
    EXPECT_FALSE(tensor.requires_grad()) << name;
  }
  EXPECT_THAT(names, ElementsAre("fc.weight", "fc.bias", "norm.weight", "norm.bias", "norm.running_mean",
                                 "norm.running_var", "norm.num_batches_tracked", "scale"));
}

TEST(StateDict, SharesTheModulesMemory) {
  Net net;
  const StateDict state = net.state_dict();
  net.fc.weight.detach().fill_(4);
  EXPECT_EQ(state.at("fc.weight").to_vector<float>(), std::vector<float>(6, 4));
}

TEST(LoadStateDict, CopiesNumbersAndKeepsIdentities) {
  Net from, to;
  from(randn({4, 2}));
  const Tensor weight = to.fc.weight;
  const LoadReport report = to.load_state_dict(from.state_dict());
  EXPECT_EQ(values(to.state_dict()), values(from.state_dict()));
  EXPECT_TRUE(weight.is_same(to.fc.weight) && weight.requires_grad() && weight.is_leaf());
  EXPECT_FALSE(weight.shares_storage(from.fc.weight));
  EXPECT_EQ(report.applied.size(), 8U);
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(report.unexpected, IsEmpty());
  EXPECT_EQ(to.norm.num_batches_tracked.item(), 1);
}

TEST(LoadStateDict, ConvertsBetweenDtypesOfAKind) {
  Net net, wide;
  wide.to(f64);
  wide.scale.detach().fill_(1.5);
  StateDict state = with(wide.state_dict(), "norm.num_batches_tracked", full({}, 7, i32));
  net.load_state_dict(state);
  EXPECT_EQ(net.scale.dtype(), f32);
  EXPECT_EQ(net.scale.item(), 1.5);
  EXPECT_EQ(net.norm.num_batches_tracked.dtype(), i64);
  EXPECT_EQ(net.norm.num_batches_tracked.item(), 7);
}

TEST(LoadStateDict, ReadsStridedTensors) {
  Linear layer(2, 3);
  layer.load_state_dict(with(layer.state_dict(), "weight", arange(6).to(f32).view({2, 3}).t()));
  EXPECT_EQ(layer.weight.to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(LoadStateDict, ReportsEveryOffenderAtOnceAndChangesNothing) {
  Net net;
  const auto before = values(net.state_dict());
  StateDict state = Net{}.state_dict();
  state = with(state, "fc.weight", ones({3, 5}));
  state = with(state, "norm.bias", ones({3}, i64));
  state = with(state, "norm.num_batches_tracked", tensor(1.0F));
  state = with(state, "scale", {});
  state = with(state, "scales", ones({1}));
  state = with(state, "norm.running_mean", {});
  state = with(state, "something.else.entirely", ones({1}));
  EXPECT_THAT([&] { net.load_state_dict(state); },
              ThrowsMessage<Error>(
                  AllOf(HasSubstr("the state does not fit Net"),
                        HasSubstr("\"fc.weight\" has shape [3, 5] in the state, [3, 2] in the model"),
                        HasSubstr("\"norm.bias\" is i64 in the state, f32 in the model"),
                        HasSubstr("\"norm.num_batches_tracked\" is f32 in the state, i64 in the model"),
                        HasSubstr("missing: \"norm.running_mean\", \"scale\" (did you mean \"scales\"?)"),
                        HasSubstr("\"scales\" (did you mean \"scale\"?)"),
                        HasSubstr("\"something.else.entirely\""), HasSubstr(".strict = false"))));
  EXPECT_EQ(values(net.state_dict()), before);
}

TEST(LoadStateDict, NotStrictLoadsWhatFitsAndReportsTheRest) {
  Net net;
  StateDict state;
  state.insert("scale", full({1}, 5));
  state.insert("other", ones({1}));
  const LoadReport report = net.load_state_dict(state, {.strict = false});
  EXPECT_EQ(net.scale.item(), 5);
  EXPECT_THAT(report.applied, ElementsAre("scale"));
  EXPECT_THAT(report.unexpected, ElementsAre("other"));
  EXPECT_EQ(report.missing.size(), 7U);
}

TEST(LoadStateDict, NotStrictStillRefusesShapesThatDiffer) {
  Net net;
  StateDict state;
  state.insert("scale", full({1}, 5));
  state.insert("fc.bias", ones({4}));
  EXPECT_THAT([&] { net.load_state_dict(state, {.strict = false}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("\"fc.bias\" has shape [4]"), Not(HasSubstr("missing")))));
  EXPECT_EQ(net.scale.item(), 1);
}

TEST(LoadStateDict, RefusesUndefinedTensorsByName) {
  Linear layer(2, 1);
  StateDict state;
  state.insert("weight", Tensor());
  state.insert("bias", ones({1}));
  EXPECT_THAT([&] { layer.load_state_dict(state); }, ThrowsMessage<Error>(HasSubstr("\"weight\"")));
}

TEST(LoadStateDict, ListsManyOffendersWithoutEnd) {
  Linear layer(2, 1);
  StateDict state = layer.state_dict();
  for (int i = 0; i < 100; ++i) state.insert("layers." + std::to_string(i), ones({1}));
  try {
    layer.load_state_dict(state);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("and 80 more"));
    EXPECT_LT(std::string(error.what()).size(), 2000U);
  }
}

TEST(LoadStateDict, GivesTiedParametersOneValue) {
  struct Tied : Module {
    Parameter a{ones({2})};
    Parameter b = tied(a);
  };
  Tied net;
  StateDict state;
  state.insert("a", full({2}, 3));
  EXPECT_THAT([&] { net.load_state_dict(state); }, ThrowsMessage<Error>(HasSubstr("missing: \"b\"")));
  state.insert("b", full({2}, 3));
  net.load_state_dict(state);
  EXPECT_EQ(net.b.to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_TRUE(net.a.is_same(net.b));
}

TEST(LoadStateDict, AssignTakesMemoryAndDTypeAndKeepsIdentities) {
  struct Tied : Module {
    Linear encode{2, 3, {.bias = false}};
    Linear decode = [&] {
      Linear made{2, 3, {.bias = false}};
      made.weight = tied(encode.weight);
      return made;
    }();
  };
  Tied net;
  const Tensor before = net.decode.weight;
  const Tensor values = arange(0, 6, 1, f64).reshape({3, 2});
  StateDict state;
  state.insert("encode.weight", values);
  state.insert("decode.weight", values);
  net.load_state_dict(state, {.assign = true});
  EXPECT_TRUE(net.encode.weight.shares_storage(values));
  EXPECT_TRUE(net.encode.weight.is_same(net.decode.weight)) << "the tie is gone";
  EXPECT_TRUE(net.decode.weight.is_same(before));
  EXPECT_EQ(net.encode.weight.dtype(), f64);
  EXPECT_TRUE(net.encode.weight.requires_grad());
}

TEST(LoadStateDict, AssignIsNoticedByABackwardPassUnderWay) {
  Linear fc{2, 2, {.bias = false}};
  const Tensor y = fc(ones({1, 2}).requires_grad_()).sum();
  StateDict state;
  state.insert("weight", ones({2, 2}));
  fc.load_state_dict(state, {.assign = true});
  EXPECT_THAT([&] { y.backward(); }, ThrowsMessage<Error>(HasSubstr("load_state_dict")));
}

TEST(LoadStateDict, RenamesAndTakesAPrefix) {
  Net net;
  StateDict state;
  for (const auto& [name, tensor] : Net{}.state_dict()) state.insert("module.old_" + name, tensor);
  state.insert("optimizer.lr", ones({}));
  const auto rename = [](std::string_view name) { return std::string(name.substr(4)); };
  EXPECT_THAT(net.load_state_dict(state, {.prefix = "module.", .rename = rename}).unexpected, IsEmpty());
  EXPECT_EQ(values(net.state_dict()).at("fc.weight"), values(state).at("module.old_fc.weight"));
  EXPECT_THAT(
      [&] {
        net.load_state_dict(state, {.rename = [](std::string_view) { return std::string("fc.bias"); }});
      },
      ThrowsMessage<Error>(HasSubstr("two entries of the state are renamed to \"fc.bias\"")));
}

TEST(LoadStateDict, SkipsOrRefusesWhatDoesNotFit) {
  Net net;
  const Net other;
  const StateDict state = with(with(other.state_dict(), "fc.bias", zeros({5})), "scale", zeros({1}, f64));
  const LoadReport report = net.load_state_dict(state, {.skip_mismatched = true});
  EXPECT_THAT(report.mismatched, ElementsAre("fc.bias"));
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_EQ(values(net.state_dict()).at("fc.weight"), values(state).at("fc.weight"));
  EXPECT_EQ(net.fc.bias.numel(), 3);
  EXPECT_THAT([&] { net.load_state_dict(state, {.same_dtype = true, .skip_mismatched = false}); },
              ThrowsMessage<Error>(HasSubstr("\"scale\" is f64 in the state, f32 in the model")));
}

struct Counting : Module {
  int seen = 0;
  Tensor get_extra_state() const { return tensor(seen); }
  void set_extra_state(const Tensor& state) {
    if (state.item<int>() < 0) throw Error("Counting", "negative");
    seen = state.item<int>();
  }
  Tensor forward(const Tensor& x) {
    ++seen;
    return x;
  }
};
struct Counts : Module {
  Linear fc{1, 1};
  Counting a, b;
  Tensor forward(const Tensor& x) { return b(a(fc(x))); }
};

TEST(LoadStateDict, CarriesExtraState) {
  Counts net;
  net(ones({1, 1}));
  net.a(ones({1}));
  const StateDict state = net.state_dict();
  EXPECT_EQ(state.at("a._extra_state").item<int>(), 2);
  Counts copy;
  copy.load_state_dict(state);
  EXPECT_EQ(copy.a.seen, 2);
  EXPECT_EQ(copy.b.seen, 1);
  const auto report = copy.load_state_dict(with(state, "a._extra_state", {}), {.strict = false});
  EXPECT_THAT(report.missing, ElementsAre("a._extra_state"));
  EXPECT_THROW(copy.load_state_dict(with(state, "a._extra_state", {})), Error);
}

TEST(LoadStateDict, ChangesNothingWhenExtraStateIsRefused) {
  Counts net;
  const auto before = values(net.state_dict());
  StateDict state = with(Counts{}.state_dict(), "a._extra_state", tensor(5));
  state = with(state, "b._extra_state", tensor(-1));
  EXPECT_THROW(net.load_state_dict(state), Error);
  EXPECT_EQ(values(net.state_dict()), before);
}

TEST(StateDict, FindsInsertsAndSuggests) {
  StateDict s;
  s.insert("encoder.weight", ones({1}));
  s.insert("encoder.bias", zeros({1}));
  s.insert("a", full({1}, 2));
  EXPECT_EQ(s.size(), 3U);
  EXPECT_TRUE(s.contains("a"));
  EXPECT_EQ(s.find("b"), nullptr);
  EXPECT_EQ(s.at("encoder.weight").item(), 1);
  EXPECT_THAT([&] { s.at("encodr.weight"); },
              ThrowsMessage<Error>(HasSubstr("did you mean \"encoder.weight\"?")));
  EXPECT_THAT([&] { s.insert("a", ones({1})); }, ThrowsMessage<Error>(HasSubstr("two tensors named \"a\"")));
  EXPECT_EQ(s.size(), 3U);
  const StateDict inner = s.with_prefix("encoder.");
  EXPECT_EQ(inner.size(), 2U);
  EXPECT_EQ(inner.begin()->first, "weight");
  StateDict outer;
  outer.insert_all("encoder.", inner);
  EXPECT_TRUE(outer.at("encoder.bias").is_same(s.at("encoder.bias")));
}

TEST(ClosestName, IsCloseOrNothing) {
  EXPECT_EQ(closest_name("weigth", {"bias", "weight"}), "weight");
  EXPECT_EQ(closest_name("weight", {"momentum", "eps"}), "");
  EXPECT_EQ(closest_name("", {}), "");
}

}  // namespace
}  // namespace mica::nn
