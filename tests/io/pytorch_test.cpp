// Files go both ways: what PyTorch wrote loads here and computes the same, what is written here is read by an
// independent reader in Python. The model is the one of tests/golden/make_checkpoint.py.
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/io/model.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "files.h"

namespace mica {
namespace {

struct Block : nn::Module {
  int dim;
  nn::Conv2d conv{dim, dim, 3, {.padding = 1, .groups = 2, .bias = false}};
  nn::BatchNorm2d norm{dim, {.momentum = 0.3}};
  Tensor forward(const Tensor& x) { return x + relu(norm(conv(x))); }
};

struct Net : nn::Module {
  int words = 17, dim = 12;
  std::vector<nn::Sequential> stages = make_stages(dim);
  nn::Embedding embed{words, dim, {.padding_idx = 0}};
  std::map<std::string, nn::Linear> heads = make_heads(dim);
  nn::LayerNorm norm{dim};
  nn::Linear decode = tied_decoder(embed);
  nn::Parameter temperature{ones({1})};
  nn::Buffer scale{zeros({dim})};
  nn::Buffer mask{ones({words}), nn::transient};

  Tensor forward(const Tensor& image, const Tensor& tokens) {
    Tensor x = image;
    for (nn::Sequential& stage : stages) x = stage(x);
    x = heads.at("image")(x.mean({2, 3})) + heads.at("text")(embed(tokens).mean({1}));
    return decode(norm(x) * scale) * mask / temperature;
  }

  static std::vector<nn::Sequential> make_stages(int dim) {
    std::vector<nn::Sequential> out;
    out.emplace_back(nn::Conv2d{2, 8, 3, {.padding = 1}}, nn::BatchNorm2d{8}, nn::ReLU{},
                     nn::Sequential{Block{.dim = 8}, nn::MaxPool2d{2}});
    out.emplace_back(nn::Conv2d{8, dim, {3, 1}, {.stride = {2, 1}}}, nn::GELU{}, Block{.dim = dim});
    return out;
  }
  static std::map<std::string, nn::Linear> make_heads(int dim) {
    std::map<std::string, nn::Linear> out;
    out.emplace("image", nn::Linear{dim, dim});
    out.emplace("text", nn::Linear{dim, dim, {.bias = false}});
    return out;
  }
  static nn::Linear tied_decoder(const nn::Embedding& embed) {
    nn::Linear out{embed.embedding_dim, embed.num_embeddings};
    out.weight = nn::tied(embed.weight);
    return out;
  }
};

void expect_near(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(to_string(actual.sizes()), to_string(expected.sizes()));
  const auto a = actual.to_vector<double>();
  const auto e = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], e[i], 1e-5) << "element " << i;
}

TEST(PyTorchFiles, LoadStrictlyIntoTheSameModelAndGiveTheSameOutputs) {
  Net net;
  const nn::LoadReport report = load(net, MICA_GOLDEN_DIR "/checkpoint.safetensors");
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty() && report.mismatched.empty());
  EXPECT_TRUE(net.decode.weight.is_same(net.embed.weight));

  const StateDict run = io::read_safetensors(MICA_GOLDEN_DIR "/checkpoint_run.safetensors").tensors;
  expect_near(net.eval()(run.at("image"), run.at("tokens")), run.at("eval"));
  expect_near(net.train()(run.at("image"), run.at("tokens")), run.at("train"));
  const auto* block = net.stages[1][2].get_if<Block>();
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->norm.num_batches_tracked.item<int>(), 21);
  expect_near(block->norm.running_mean, run.at("running_mean"));
}

// What the reader in Python makes of a file.
nlohmann::json read_in_python(const std::filesystem::path& path) {
  const std::string command =
      "python3 '" MICA_GOLDEN_DIR "/../io/read_safetensors.py' '" + path.string() + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string out;
  std::array<char, 4096> part{};
  while (pipe != nullptr) {
    const std::size_t n = std::fread(part.data(), 1, part.size(), pipe.get());
    if (n == 0) break;
    out.append(part.data(), n);
  }
  return nlohmann::json::parse(out, nullptr, false);
}

std::string hex(const Tensor& x) {
  const Tensor c = x.contiguous();
  const auto* bytes = static_cast<const unsigned char*>(c.raw_data());
  std::string out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.numel()) * item_size(c.dtype()); ++i) {
    for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) out += "0123456789abcdef"[digit];
  }
  return out;
}

void expect_read_in_python(const std::filesystem::path& path, const StateDict& state) {
  const std::map<DType, std::string> dtypes{{f64, "F64"}, {f32, "F32"}, {bf16, "BF16"}, {f16, "F16"},
                                            {i64, "I64"}, {i32, "I32"}, {u8, "U8"},     {boolean, "BOOL"}};
  const nlohmann::json file = read_in_python(path);
  ASSERT_TRUE(file.is_object()) << "the reader refused " << path;
  EXPECT_EQ(file["metadata"]["format"], "pt");
  EXPECT_EQ(file["tensors"].size(), state.size());
  for (const auto& [name, tensor] : state) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(file["tensors"].contains(name));
    const nlohmann::json& read = file["tensors"][name];
    EXPECT_EQ(read["dtype"], dtypes.at(tensor.dtype()));
    EXPECT_EQ(read["shape"], std::vector<std::int64_t>(tensor.sizes().begin(), tensor.sizes().end()));
    EXPECT_EQ(read["bytes"], hex(tensor));
    if (tensor.dtype() == f32 || tensor.dtype() == f64 || tensor.dtype() == i64) {
      EXPECT_EQ(read["values"].get<std::vector<double>>(), tensor.to_vector<double>());
    }
  }
}

class FilesInPython : public testing::Test {
 protected:
  void SetUp() override {
    manual_seed(1);
    if (std::system("python3 -c '' >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "there is no python3: that Python reads Mica's files is not tested";
  }
  io::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "net.safetensors";
};

TEST_F(FilesInPython, HoldTheModelUnderItsNamesBitForBit) {
  Net net;
  net(randn({4, 2, 10, 7}), randint(0, 17, {4, 5}));  // moves the running statistics
  save(net, path_);
  expect_read_in_python(path_, net.state_dict());
}

TEST_F(FilesInPython, HoldEveryDtypeAlignedWhateverTheOrderOfTheTensors) {
  StateDict state;
  state.insert("flag", tensor({true, false, true}));
  state.insert("byte", from_vector<std::uint8_t>({255}));
  for (const DType dtype : {f16, f32, bf16, f64, i32, i64})
    state.insert(std::string(name(dtype)), from_vector<float>({1, -2, 3}).to(dtype));
  state.insert("scalar", tensor(2.5));
  state.insert("nothing", zeros({0, 3}));
  io::write_safetensors(path_, state, {{"format", "pt"}});
  expect_read_in_python(path_, state);
}

}  // namespace
}  // namespace mica
