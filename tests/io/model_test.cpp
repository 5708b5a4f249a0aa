#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Block : nn::Module {
  int dim = 4;
  nn::Linear fc{dim, dim, {.bias = false}};
  nn::BatchNorm1d norm{dim};
  Tensor forward(const Tensor& x) { return x + norm(fc(x)); }
};

struct Net : nn::Module {
  int dim = 4;
  std::vector<Block> blocks = nn::repeat(2, [&] { return Block{.dim = dim}; });
  nn::Parameter scale{ones({1})};
  nn::Parameter same{nn::tied(scale)};
  nn::Buffer cache{zeros({3}), nn::transient};
  Tensor forward(Tensor x) {
    for (Block& block : blocks) x = block(x);
    return x * scale;
  }
};

class Models : public testing::Test {
 protected:
  Models() { manual_seed(0); }
  io::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "net.safetensors";
};

std::map<std::string, std::vector<double>> values(const StateDict& state) {
  std::map<std::string, std::vector<double>> out;
  for (const auto& [name, tensor] : state) out[name] = tensor.to_vector<double>();
  return out;
}

TEST_F(Models, AnswerAlikeAfterSavingAndLoading) {
  Net net, other;
  const Tensor x = randn({5, 4});
  net(x);  // moves the running statistics
  net.scale.detach().fill_(3);
  save(net, path_);
  EXPECT_FALSE(equal(net.eval()(x), other.eval()(x)));
  const nn::LoadReport report = load(other, path_);
  EXPECT_TRUE(equal(net(x), other(x)));
  EXPECT_EQ(report.applied.size(), net.state_dict().size());
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
}

TEST_F(Models, AreSavedUnderPyTorchsNamesWithoutTransientBuffers) {
  save(Net{}, path_);
  const io::SafetensorsFile file = io::read_safetensors(path_);
  EXPECT_EQ(file.metadata.at("format"), "pt");  // what Python's loaders ask for
  std::vector<std::string> names;
  for (const auto& [name, tensor] : values(file.tensors)) names.push_back(name);
  EXPECT_THAT(names,
              ElementsAre("blocks.0.fc.weight", "blocks.0.norm.bias", "blocks.0.norm.num_batches_tracked",
                          "blocks.0.norm.running_mean", "blocks.0.norm.running_var", "blocks.0.norm.weight",
                          "blocks.1.fc.weight", "blocks.1.norm.bias", "blocks.1.norm.num_batches_tracked",
                          "blocks.1.norm.running_mean", "blocks.1.norm.running_var", "blocks.1.norm.weight",
                          "same", "scale"));
}

TEST_F(Models, ConvertFloatingPointOnLoading) {
  Net net, wide, narrow;
  save(net, path_);
  load(wide.to(f64), path_);
  EXPECT_EQ(wide.scale.dtype(), f64);
  EXPECT_EQ(values(wide.state_dict()), values(net.state_dict()));
  save(wide, path_);
  load(narrow.to(bf16), path_);
  EXPECT_EQ(narrow.blocks[0].fc.weight.dtype(), bf16);
  EXPECT_TRUE(allclose(narrow.blocks[0].fc.weight.to(f32), net.blocks[0].fc.weight, 1e-2));
  EXPECT_EQ(narrow.blocks[0].norm.num_batches_tracked.dtype(), i64);
}

TEST_F(Models, DoNotChangeWhenTheFileDoesNotFit) {
  Net net;
  const auto before = values(net.state_dict());
  save(Net{.dim = 3}, path_);
  EXPECT_THAT(
      [&] { load(net, path_); },
      ThrowsMessage<Error>(AllOf(HasSubstr("\"blocks.0.fc.weight\" has shape [3, 3] in the state, [4, 4]"),
                                 HasSubstr("\"blocks.1.norm.weight\" has shape [3]"))));
  StateDict partial = Net{}.state_dict().with_prefix("blocks.");
  io::write_safetensors(path_, partial);
  EXPECT_THAT([&] { load(net, path_); },
              ThrowsMessage<Error>(AllOf(HasSubstr("missing: \"blocks.0.fc.weight\""),
                                         HasSubstr("unexpected: "), HasSubstr("\"1.fc.weight\""))));
  io::write_file(path_, io::read_file(path_).substr(0, 900));
  EXPECT_THROW(load(net, path_), Error);
  EXPECT_THROW(load(net, folder_.path() / "none"), Error);
  EXPECT_EQ(values(net.state_dict()), before);
}

TEST_F(Models, LoadWhatFitsWhenAsked) {
  Net net;
  StateDict state;
  state.insert("scale", full({1}, 7));
  state.insert("other", ones({2}));
  io::write_safetensors(path_, state);
  const nn::LoadReport report = load(net, path_, {.strict = false});
  EXPECT_THAT(report.applied, ElementsAre("scale"));
  EXPECT_THAT(report.unexpected, ElementsAre("other"));
  EXPECT_EQ(report.missing.size(), net.state_dict().size() - 1);
  EXPECT_EQ(net.same.item(), 7);  // tied to scale
}

TEST_F(Models, OwnTheirNumbersAfterLoading) {
  Net net, other;
  save(net, path_);
  const auto before = values(net.state_dict());
  const void* memory = other.scale.raw_data();
  load(other, path_);
  EXPECT_EQ(other.scale.raw_data(), memory);
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(values(other.state_dict()), before);
}

TEST_F(Models, AssignedFromAFileTrainWithoutChangingIt) {
  Net net, other;
  save(net, path_);
  const std::string before = io::read_file(path_);
  load(other, path_, {.assign = true});
  EXPECT_EQ(values(other.state_dict()), values(net.state_dict()));
  EXPECT_TRUE(other.same.is_same(other.scale));
  other(randn({5, 4})).sum().backward();
  for (Tensor& p : other.parameters()) p.detach().sub_(p.grad());
  EXPECT_NE(values(other.state_dict()), values(net.state_dict()));
  EXPECT_EQ(io::read_file(path_), before);
  save(other, path_);  // over the file that is mapped
  load(net, path_);
  EXPECT_EQ(values(other.state_dict()), values(net.state_dict()));
}

TEST_F(Models, KeepTheOldFileWhenSavingFails) {
  save(Net{}, path_);
  const std::string before = io::read_file(path_);
  EXPECT_THROW(save(Net{}, path_ / "below a file"), Error);
  EXPECT_EQ(io::read_file(path_), before);
  EXPECT_THAT(folder_.names(), ElementsAre("net.safetensors"));
}

}  // namespace
}  // namespace mica
