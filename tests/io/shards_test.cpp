#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/model.h>
#include <mica/io/shards.h>
#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>

#include "files.h"

namespace mica::io {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

struct Net : nn::Module {
  nn::Linear first{4, 6}, second{6, 2};  // 96 + 24 and 48 + 8 bytes
};

std::map<std::string, std::vector<double>> values(const StateDict& state) {
  std::map<std::string, std::vector<double>> out;
  for (const auto& [name, tensor] : state) out[name] = tensor.to_vector<double>();
  return out;
}

class Shards : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "net.safetensors";
  std::filesystem::path index_ = folder_.path() / "net.safetensors.index.json";
  Net net_;

  std::filesystem::path shard(const std::string& part) const {
    return folder_.path() / ("net-" + part + ".safetensors");
  }
  // Reads a good shard "a" (tensor x of u8 [2]) by this index, and checks that a model is left alone.
  void expect_refused(const std::string& index, const std::string& message) {
    SCOPED_TRACE(index);
    write_file(index_, index);
    EXPECT_THAT([&] { read_shards(index_); }, ThrowsMessage<Error>(HasSubstr(message)));
    const auto before = values(net_.state_dict());
    EXPECT_THROW(load(net_, index_, {.strict = false}), Error);
    EXPECT_EQ(values(net_.state_dict()), before);
  }
};

TEST_F(Shards, HaveHuggingFacesLayout) {
  save(net_, path_, {.max_shard_bytes = 130});
  EXPECT_THAT(folder_.names(),
              UnorderedElementsAre("net.safetensors.index.json", "net-00001-of-00002.safetensors",
                                   "net-00002-of-00002.safetensors"));
  const auto index = nlohmann::json::parse(read_file(index_));
  EXPECT_EQ(index["metadata"]["total_size"], 96 + 24 + 48 + 8);
  EXPECT_EQ(index["weight_map"], nlohmann::json({{"first.bias", "net-00001-of-00002.safetensors"},
                                                 {"first.weight", "net-00001-of-00002.safetensors"},
                                                 {"second.bias", "net-00002-of-00002.safetensors"},
                                                 {"second.weight", "net-00002-of-00002.safetensors"}}));
  const SafetensorsFile part = read_safetensors(shard("00002-of-00002"));
  EXPECT_EQ(part.metadata.at("format"), "pt");
  EXPECT_TRUE(equal(part.tensors.at("second.weight"), net_.second.weight));
}

TEST_F(Shards, LoadUnderTheNameOfTheModelAndOfTheIndex) {
  save(net_, path_, {.max_shard_bytes = 130});
  for (const auto& name : {path_, index_}) {
    Net other, assigned;
    load(other, name);
    EXPECT_EQ(values(other.state_dict()), values(net_.state_dict()));
    load(assigned, name, {.assign = true});
    EXPECT_EQ(values(assigned.state_dict()), values(net_.state_dict()));
  }
}

TEST_F(Shards, HoldWholeTensorsHoweverSmallTheLimit) {
  save(net_, path_, {.max_shard_bytes = 1});
  EXPECT_EQ(folder_.names().size(), 5U);
  Net other;
  load(other, path_);
  EXPECT_EQ(values(other.state_dict()), values(net_.state_dict()));
}

TEST_F(Shards, AreOneFileIfThatIsEnough) {
  save(net_, path_, {.max_shard_bytes = 176});
  EXPECT_THAT(folder_.names(), UnorderedElementsAre("net.safetensors"));
}

TEST_F(Shards, ReplaceWhatWasSavedUnderTheNameBefore) {
  write_file(folder_.path() / "net-of-somebody-else", "");
  save(net_, path_);
  for (const std::uint64_t limit : {130U, 130U, 1U, 130U}) {
    Net next, other;
    save(next, path_, {.max_shard_bytes = limit});
    load(other, path_);
    EXPECT_EQ(values(other.state_dict()), values(next.state_dict()));
    EXPECT_EQ(folder_.names().size(), limit == 1 ? 6U : 4U)
        << "nothing old is left, and nothing else is gone";
  }
}

TEST_F(Shards, LeaveTheOldOnesWhenSavingFails) {
  save(net_, path_, {.max_shard_bytes = 130});
  const auto before = folder_.names();
  StateDict broken = Net{}.state_dict();
  broken.insert("__metadata__", ones({30}));  // fails when the first shard is written already
  EXPECT_THAT([&] { write_shards(path_, broken, 130); }, ThrowsMessage<Error>(HasSubstr("__metadata__")));
  EXPECT_EQ(folder_.names().size(), before.size());
  std::filesystem::create_directory(folder_.path() / "other.safetensors.index.json");
  EXPECT_THAT([&] { write_shards(folder_.path() / "other.safetensors", net_.state_dict(), 130); },
              ThrowsMessage<Error>(HasSubstr("is a folder")));
  EXPECT_EQ(folder_.names().size(), before.size() + 1);
  Net other;
  load(other, path_);
  EXPECT_EQ(values(other.state_dict()), values(net_.state_dict()));
}

TEST_F(Shards, KeepMetadata) {
  write_shards(path_, net_.state_dict(), 130, {{"a", "b"}});
  const SafetensorsFile file = read_shards(index_);
  EXPECT_EQ(file.metadata.at("a"), "b");
  EXPECT_EQ(file.metadata.at("total_size"), "176");
}

TEST_F(Shards, AreRefusedWithAnIndexThatIsDamagedOrMadeToHarm) {
  StateDict state;
  state.insert("x", zeros({2}, u8));
  write_safetensors(folder_.path() / "a", state);
  std::filesystem::create_directory(folder_.path() / "sub");
  write_safetensors(folder_.path() / "sub" / "a", state);
  const auto map = [](const std::string& file) { return R"({"weight_map":{"x":")" + file + "\"}}"; };
  write_file(index_, map("a"));
  EXPECT_EQ(read_shards(index_).tensors.size(), 1U);

  for (const std::string name : {"../a", "sub/a", "..", ".", "", "sub\\\\a", "C:a", "a\\u0000"})
    expect_refused(map(name), "tensor \"x\" is said to be in");
  expect_refused(map((folder_.path() / "a").string()), "is said to be in");
  expect_refused(map("b"), "shard \"b\" is missing");
  expect_refused(map("net.safetensors.index.json"), "header claims");  // itself
  expect_refused(map("sub"), "is not a regular file");
  expect_refused(R"({"weight_map":{"x":"a","y":"a"}})", "tensor \"y\" is not in shard \"a\"");
  expect_refused(R"({"weight_map":{"x":"a","x":"a"}})", "\"x\" appears twice");
  expect_refused(R"({"weight_map":{"x":7}})", "is not text");
  expect_refused(R"({"weight_map":["a"]})", "no object \"weight_map\"");
  expect_refused(R"({"metadata":{}})", "no object \"weight_map\"");
  expect_refused(R"({"weight_map":{},"metadata":7})", "\"metadata\" is not an object");
  expect_refused("", "not JSON");
  expect_refused("[]", "no object \"weight_map\"");
  expect_refused(map("a") + "x", "not JSON");
  expect_refused(std::string(100'000, '['), "nested too deeply");
}

TEST_F(Shards, AreRefusedWhenOneIsDamagedOrCutOff) {
  save(net_, path_, {.max_shard_bytes = 130});
  const std::string last = read_file(shard("00002-of-00002"));
  Net other;
  const auto before = values(other.state_dict());
  for (std::size_t n = 0; n < last.size(); ++n) {
    write_file(shard("00002-of-00002"), last.substr(0, n));
    EXPECT_THROW(load(other, path_), Error);
  }
  std::filesystem::remove(shard("00002-of-00002"));
  EXPECT_THAT([&] { load(other, path_); }, ThrowsMessage<Error>(HasSubstr("is missing")));
  EXPECT_EQ(values(other.state_dict()), before);
}

TEST_F(Shards, HoldWhatTheIndexListsAndNoMore) {
  save(net_, path_, {.max_shard_bytes = 130});
  write_file(index_, R"({"weight_map":{"first.bias":"net-00001-of-00002.safetensors"}})");
  EXPECT_EQ(read_shards(index_).tensors.size(), 1U);
}

}  // namespace
}  // namespace mica::io
