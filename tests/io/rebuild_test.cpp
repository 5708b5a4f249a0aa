// Models made from their files alone.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/model.h>
#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "files.h"

namespace mica {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Block : nn::Module {
  int dim = 4;
  double slope = 0.5;
  nn::Linear fc{dim, dim};
  nn::Dropout drop{0.25};
  Tensor forward(const Tensor& x) { return x + drop(fc(x)) * slope; }
};

struct Net : nn::Module {
  int in = 3, hidden = 4, depth = 2;
  nn::Linear stem{in, hidden};
  std::vector<Block> blocks = nn::repeat(depth, [&] { return Block{.dim = hidden}; });
  nn::Linear head{hidden, 2};
  double temperature = 1;  // behind the layers: assigned

  Tensor forward(Tensor x) {
    x = stem(x);
    for (Block& block : blocks) x = block(x);
    return head(x) / temperature;
  }
};

class Rebuild : public testing::Test {
 protected:
  Rebuild() { manual_seed(3); }
  io::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "net.safetensors";

  template <class M> M round_trip(const M& model) {
    save(model, path_);
    return rebuild<M>(path_);
  }
  // The file again, with another blueprint.
  void edit(const std::function<void(nlohmann::json&)>& fn) {
    io::SafetensorsFile file = io::read_safetensors(path_);
    nlohmann::json all = nlohmann::json::parse(file.metadata.at("mica.model"));
    fn(all);
    file.metadata["mica.model"] = all.dump();
    io::write_safetensors(path_, file.tensors, file.metadata);
  }
  template <class M> auto refused(const std::string& text) {
    EXPECT_THAT([&] { rebuild<M>(path_); }, ThrowsMessage<Error>(HasSubstr(text)));
  }
};

TEST_F(Rebuild, GivesTheModelThatWasSaved) {
  Net net{.in = 5, .hidden = 6, .depth = 3};
  net.temperature = 2.5;
  net.blocks[1].slope = 0.125;
  net.blocks[2].drop.p = 0.75;
  Net same = round_trip(net);
  EXPECT_EQ(same.in, 5);
  EXPECT_EQ(same.hidden, 6);
  EXPECT_EQ(same.blocks.size(), 3U);
  EXPECT_EQ(same.temperature, 2.5);
  EXPECT_EQ(same.blocks[1].slope, 0.125);
  EXPECT_EQ(same.blocks[2].drop.p, 0.75);
  EXPECT_EQ(same.to_string(), net.to_string());
  const Tensor x = randn({2, 5});
  EXPECT_TRUE(equal(same.eval()(x), net.eval()(x)));
  EXPECT_EQ(same.parameters().size(), net.parameters().size());
}

TEST_F(Rebuild, MakesBlocksFromTheirOwnMembersAndAsMany) {
  struct Tower : nn::Module {
    std::vector<Block> blocks;
    std::map<std::string, Block> named;
    std::optional<Block> extra, none = Block{};
    std::unique_ptr<Block> owned;
    std::vector<std::vector<Block>> grid;
    std::pair<Block, int> pair{Block{}, 1};
  };
  Tower tower;
  for (const int dim : {2, 7, 3}) tower.blocks.push_back(Block{.dim = dim});
  tower.named.emplace("wide", Block{.dim = 9, .slope = 2});
  tower.extra.emplace(Block{.dim = 5});
  tower.none.reset();
  tower.owned = std::make_unique<Block>(Block{.dim = 6});
  tower.grid.resize(2);
  tower.pair = {Block{.dim = 8}, 4};
  tower.grid[1].push_back(Block{.dim = 1});
  save(tower, path_);
  EXPECT_THROW(
      {
        Tower other;
        load(other, path_);
      },
      Error);
  const Tower same = rebuild<Tower>(path_);
  EXPECT_EQ(same.blocks[1].dim, 7);
  EXPECT_EQ(same.named.at("wide").slope, 2);
  EXPECT_FALSE(same.none.has_value());
  EXPECT_EQ(same.owned->fc.in_features, 6);
  EXPECT_EQ(same.pair.first.dim, 8);
  EXPECT_EQ(same.pair.second, 4);
  EXPECT_EQ(same.to_string(), tower.to_string());
}

enum class Kind : std::uint8_t { plain, fancy };
struct Range {
  float low = 0, high = 1;
  std::optional<int> steps;
};

struct Everything : nn::Module {
  bool flag = false;
  std::int8_t small = 0;
  std::uint64_t seed = 0;
  std::int64_t count = 0;
  float rate = 0;
  double nan = 0, infinite = 0, tiny = 0;
  std::string label;
  Kind kind = Kind::plain;
  DType dtype = f32;
  Shape shape;
  Shape kernel = 1;
  std::optional<double> some, none = 1;
  std::vector<int> widths;
  std::vector<bool> flags;
  std::array<std::string, 2> words;
  std::map<std::string, std::vector<double>> table;
  std::tuple<int, std::string> pair;
  Range range;
  std::vector<Range> ranges;
  std::function<int()> not_plain = [] { return 1; };  // left as it is made
  Tensor scratch;
  const int constant = 3;
};

TEST_F(Rebuild, KeepsEveryKindOfPlainMember) {
  Everything e;
  e.flag = true;
  e.small = -128;
  e.seed = std::numeric_limits<std::uint64_t>::max();
  e.count = std::numeric_limits<std::int64_t>::min();
  e.rate = 0.1F;
  e.nan = std::nan("");
  e.infinite = -std::numeric_limits<double>::infinity();
  e.tiny = 5e-324;
  e.label = "ключ \"quoted\" \n";
  e.kind = Kind::fancy;
  e.dtype = bf16;
  e.shape = {2, 3};
  e.kernel = {3, 5};
  e.some = 1;
  e.none.reset();
  e.widths = {1, 2, 3};
  e.flags = {true, false};
  e.words = {"a", "b"};
  e.table = {{"x", {1.5}}, {"y", {}}};
  e.pair = {7, "seven"};
  e.range = {.low = -1, .high = 2, .steps = 4};
  e.ranges = {{}, {.low = 3}};
  const Everything same = round_trip(e);
  EXPECT_TRUE(same.flag);
  EXPECT_EQ(same.small, e.small);
  EXPECT_EQ(same.seed, e.seed);
  EXPECT_EQ(same.count, e.count);
  EXPECT_EQ(same.rate, e.rate);
  EXPECT_TRUE(std::isnan(same.nan));
  EXPECT_EQ(same.infinite, e.infinite);
  EXPECT_EQ(same.tiny, e.tiny);
  EXPECT_EQ(same.label, e.label);
  EXPECT_EQ(same.kind, e.kind);
  EXPECT_EQ(same.dtype, e.dtype);
  EXPECT_EQ(same.shape, e.shape);
  EXPECT_EQ(same.kernel, e.kernel);
  EXPECT_EQ(same.some, e.some);
  EXPECT_EQ(same.none, e.none);
  EXPECT_EQ(same.widths, e.widths);
  EXPECT_EQ(same.flags, e.flags);
  EXPECT_EQ(same.words, e.words);
  EXPECT_EQ(same.table, e.table);
  EXPECT_EQ(same.pair, e.pair);
  EXPECT_EQ(same.range.low, -1);
  EXPECT_EQ(same.range.steps, 4);
  EXPECT_EQ(same.ranges.size(), 2U);
  EXPECT_EQ(same.ranges[1].low, 3);
  EXPECT_EQ(same.not_plain(), 1);
}

TEST_F(Rebuild, NeedsNoDefaultsBeforeTheLayersAndPassesModesOver) {
  struct Bare : nn::Module {
    nn::Mode mode;
    int in;
    std::vector<int> widths;
    nn::Linear fc{in, widths.at(0)};
  };
  const Bare same = round_trip(Bare{.mode = {}, .in = 2, .widths = {3}});
  EXPECT_EQ(same.fc.weight.sizes(), Shape({3, 2}));
}

TEST_F(Rebuild, KeepsTiesEvenWhereAModuleIsMadeAnew) {
  struct Tied : nn::Module {
    nn::Embedding embed{5, 4};
    nn::Parameter decode = nn::tied(embed.weight);
    Block block;
    nn::Parameter again = nn::tied(block.fc.bias);
  };
  Tied tied;
  tied.block = Block{.dim = 6};
  tied.again = nn::tied(tied.block.fc.bias);
  const Tied same = round_trip(tied);
  EXPECT_TRUE(same.decode.is_same(same.embed.weight));
  EXPECT_TRUE(same.again.is_same(same.block.fc.bias));
  EXPECT_EQ(same.parameters().size(), tied.parameters().size());
}

TEST_F(Rebuild, ReachesModulesBehindAnyModuleAndSequential) {
  struct Chain : nn::Module {
    nn::Sequential stages{nn::Linear{3, 4}, Block{}, nn::BatchNorm1d{4}};
  };
  Chain chain;
  chain.stages[1].get_if<Block>()->slope = 8;
  chain.stages[2].get_if<nn::BatchNorm1d>()->momentum.reset();
  Chain same = round_trip(chain);
  EXPECT_EQ(same.stages[1].get_if<Block>()->slope, 8);
  EXPECT_FALSE(same.stages[2].get_if<nn::BatchNorm1d>()->momentum.has_value());
}

TEST_F(Rebuild, KeepsTheDtypeOfTheFileAndNeedsTheFileNoMore) {
  Net net;
  net.to(bf16);
  const Net same = round_trip(net);
  EXPECT_EQ(same.head.weight.dtype(), bf16);
  std::filesystem::resize_file(path_, 0);
  EXPECT_TRUE(equal(same.head.weight, net.head.weight));
}

TEST_F(Rebuild, ReadsShards) {
  Net net{.hidden = 7};
  save(net, path_, {.max_shard_bytes = 200});
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(rebuild<Net>(path_).hidden, 7);
}

TEST_F(Rebuild, RefusesFilesThatSayNothingOfMembers) {
  EXPECT_THAT([] { rebuild<Net>(MICA_GOLDEN_DIR "/checkpoint.safetensors"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("says nothing of the members"), HasSubstr("PyTorch"),
                                         HasSubstr("construct the model and load(model, path)"))));
}

TEST_F(Rebuild, RefusesAnotherModel) {
  save(Block{}, path_);
  refused<Net>("the file holds a Block, not a Net");
}

TEST_F(Rebuild, NamesEveryMemberThatDoesNotFit) {
  const auto with = [&](const std::function<void(nlohmann::json&)>& fn, const std::string& text) {
    SCOPED_TRACE(text);
    save(Net{}, path_);
    edit([&](nlohmann::json& all) { fn(all["modules"]); });
    refused<Net>(text);
    refused<Net>("load(model, path) its weights");
  };
  with([](auto& m) { m[""]["fields"]["hidden"] = "wide"; },
       "hidden is \"wide\", not a whole number from -2147483648 to 2147483647");
  with([](auto& m) { m[""]["fields"]["hidden"] = 3'000'000'000; },
       "hidden is 3000000000, not a whole number");
  with([](auto& m) { m[""]["fields"]["hidden"] = 4.5; }, "hidden is 4.5, not");
  with([](auto& m) { m[""]["fields"]["hidden"] = nullptr; }, "hidden is null, not");
  with([](auto& m) { m[""]["fields"]["temperature"] = true; }, "temperature is true, not a number");
  with([](auto& m) { m[""]["fields"].erase("hidden"); }, "hidden is missing in the file");
  with([](auto& m) { m[""]["fields"].erase("temperature"); }, "temperature is missing in the file");
  with([](auto& m) { m[""]["fields"]["hiden"] = 1; },
       "hiden = 1 is not in the program (is it \"hidden\" now?)");
  with([](auto& m) { m["blocks.1"]["fields"]["slope"] = "steep"; },
       "blocks.1.slope is \"steep\", not a number");
  with([](auto& m) { m["blocks.0.fc"]["fields"]["more"] = 1; }, "blocks.0.fc.more = 1 is not in the program");
  with([](auto& m) { m["head"]["type"] = "Conv2d"; },
       "\"head\" is a Conv2d in the file, a Linear in the program");
  with([](auto& m) { m["blocks.1"]["type"] = "Other"; }, "\"blocks.1\" is a Other in the file");
  with([](auto& m) { m["tail"] = m["head"]; }, "\"tail\", a Linear in the file, is not in the program");
  with(
      [](auto& m) {
        m[""]["fields"]["temperature"] = "hot";
        m["head"]["fields"]["in_features"] = -0.5;
      },
      "head.in_features is -0.5");
}

TEST_F(Rebuild, NamesThePlaceInsideAMember) {
  const auto with = [&](const char* field, const nlohmann::json& value, const std::string& text) {
    save(Everything{}, path_);
    edit([&](nlohmann::json& all) { all["modules"][""]["fields"][field] = value; });
    refused<Everything>(text);
  };
  with("widths", {1, "x"}, "widths[1] is \"x\", not a whole number");
  with("widths", 7, "widths is 7, not a list");
  with("words", {"a"}, "words is [\"a\"], not a list of 2");
  with("table", {{"x", {true}}}, "table[\"x\"][0] is true, not a number");
  with("range", {{"low", 1}, {"high", 2}}, "range.steps is missing");
  with("range", {{"low", 1}, {"high", 2}, {"steps", nullptr}, {"more", 1}}, "range.more = 1 is not in");
  with("seed", -1, "seed is -1, not a whole number from 0 to 18446744073709551615");
  with("small", 128, "small is 128, not a whole number from -128 to 127");
  with("kind", 256, "kind is 256, not");
  with("dtype", "f33", "dtype is \"f33\", not the name of a dtype");
  with("shape", std::vector<int>(9, 1),
       "shape is [1, 1, 1, 1, 1, 1, 1, 1, 1], not a list of at most 8 numbers");
  with("label", 7, "label is 7, not text");
  with("flag", 1, "flag is 1, not true or false");
}

TEST_F(Rebuild, RefusesTensorsThatDoNotFitTheMembers) {
  save(Net{}, path_);
  edit([](nlohmann::json& all) { all["modules"][""]["fields"]["hidden"] = 5; });
  refused<Net>("\"stem.weight\" has shape [4, 3] in the state, [5, 3] in the model");
}

TEST_F(Rebuild, RefusesDamagedBlueprints) {
  save(Net{}, path_);
  const io::SafetensorsFile file = io::read_safetensors(path_);
  const std::string deep = R"({"format":1,"ties":[],"modules":{"":{"type":"Net","version":1,"fields":{"in":)";
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"[]", "has no format"},
      {"{}", "has no format"},
      {R"({"format":2})", "has format 2; this program knows 1"},
      {R"({"format":-1})", "has no format"},
      {R"({"format":1})", "has no modules"},
      {R"({"format":1,"modules":[]})", "has no modules"},
      {R"({"format":1,"modules":{}})", "has no ties"},
      {R"({"format":1,"modules":{},"ties":[]})", "the file holds nothing, not a Net"},
      {R"({"format":1,"modules":{"":7},"ties":[]})", "has no valid type, version and fields of module \"\""},
      {R"({"format":1,"modules":{"":{"type":"Net","version":3000000000}},"ties":[]})", "has no valid type"},
      {R"({"format":1,"modules":{"":{"type":"Net","version":1,"fields":[]}},"ties":[]})",
       "has no valid type"},
      {R"({"format":1,"modules":{},"ties":[7]})", "has no valid ties"},
      {R"({"format":1,"modules":{},"ties":[[7]]})", "has no valid ties"},
      {R"({"format":1,"format":1})", "\"format\" appears twice"},
      {deep + std::string(100'000, '['), "nested too deeply"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text.substr(0, 200));
    io::write_safetensors(path_, file.tensors, {{"mica.model", text}});
    refused<Net>(message);
  }
}

TEST_F(Rebuild, TiesOnlyWhatIsThereAndFits) {
  save(Net{}, path_);
  const auto tied = [&](const std::vector<std::vector<std::string>>& ties) {
    edit([&](nlohmann::json& all) { all["ties"] = ties; });
  };
  tied({{"stem.weight", "none"}, {"stem.bias", "stem.bias"}, {}});
  EXPECT_EQ(rebuild<Net>(path_).parameters().size(), Net{}.parameters().size());
  tied({std::vector<std::string>{"stem.weight", "head.weight"}});
  refused<Net>("\"head.weight\" has shape [2, 4] in the state, [4, 3] in the model");
}

TEST_F(Rebuild, SavingRefusesTextThatIsNotUtf8) {
  Everything e;
  e.label = "\xff";
  EXPECT_THAT([&] { save(e, path_); }, ThrowsMessage<Error>(HasSubstr("not valid UTF-8")));
}

// --- versions ---

namespace old {
struct Layer : nn::Module {
  nn::Parameter w{full({3}, 5)};
};
struct Host : nn::Module {
  std::vector<Layer> layers = nn::repeat(2, [] { return Layer{}; });
  nn::Parameter own{ones({1})};
};
}  // namespace old

// "w" was called "weight" in no version, and became "scale", doubled, in version 2.
struct Layer : nn::Module {
  static constexpr int version = 2;
  static inline std::vector<int> seen;
  nn::Parameter scale{ones({3})};
  static StateDict migrate(const StateDict& state, int from) {
    seen.push_back(from);
    StateDict out;
    for (const auto& [name, tensor] : state) out.insert(name == "w" ? "scale" : name, tensor * 2);
    return out;
  }
};
struct Host : nn::Module {
  std::vector<Layer> layers = nn::repeat(2, [] { return Layer{}; });
  nn::Parameter own{zeros({1})};
};

class Versions : public Rebuild {
 protected:
  Versions() { Layer::seen.clear(); }
};

TEST_F(Versions, OldStateIsMigratedByTheModuleThatKnows) {
  save(old::Host{}, path_);
  Host host;
  load(host, path_);
  EXPECT_EQ(Layer::seen, (std::vector<int>{1, 1}));
  EXPECT_EQ(host.layers[1].scale.to_vector<float>(), (std::vector<float>{10, 10, 10}));
  EXPECT_EQ(host.own.item(), 1);
  EXPECT_EQ(rebuild<Host>(path_).layers[0].scale.to_vector<float>(), (std::vector<float>{10, 10, 10}));
}

TEST_F(Versions, FilesThatDoNotSayHaveVersionZero) {
  io::write_safetensors(path_, old::Host{}.state_dict());
  Host host;
  load(host, path_);
  EXPECT_EQ(Layer::seen, (std::vector<int>{0, 0}));
}

TEST_F(Versions, PresentStateIsLeftAlone) {
  Host host, other;
  host.layers[0].scale.detach().fill_(7);
  save(host, path_);
  load(other, path_);
  other.load_state_dict(host.state_dict());
  EXPECT_TRUE(Layer::seen.empty());
  EXPECT_EQ(other.layers[0].scale.to_vector<float>(), (std::vector<float>{7, 7, 7}));
}

TEST_F(Versions, APartOfAFileIsMigratedToo) {
  save(old::Host{}, path_);
  Layer layer;
  load(layer, path_, {.prefix = "layers.1."});
  EXPECT_EQ(Layer::seen, (std::vector<int>{1}));
  EXPECT_EQ(layer.scale.to_vector<float>(), (std::vector<float>{10, 10, 10}));
}

TEST_F(Versions, NewerStateIsRefusedByName) {
  save(Host{}, path_);
  edit([](nlohmann::json& all) { all["modules"]["layers.1"]["version"] = 3; });
  Host host;
  EXPECT_THAT([&] { load(host, path_); },
              ThrowsMessage<Error>(
                  HasSubstr("\"layers.1\" (Layer) was saved by version 3, and this program has version 2")));
  EXPECT_EQ(host.own.item(), 0);
}

}  // namespace
}  // namespace mica
