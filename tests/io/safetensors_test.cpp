#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/io/safetensors.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

#include "files.h"

namespace mica::io {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// One tensor of each dtype with values that rounding, signs or a wrong width would change.
StateDict all_dtypes() {
  StateDict s;
  s.insert("f32", tensor({1.5F, -0.0F, 3.4e38F, 1e-45F}));
  s.insert("f64", from_vector<double>({0.1, -1e300, 5e-324}));
  s.insert("bf16", from_vector<float>({1, -3, 0.15625F}).to(bf16));
  s.insert("f16", from_vector<float>({1, -65504, 6e-8F}).to(f16));
  s.insert("i64", from_vector<std::int64_t>({INT64_MIN, -1, INT64_MAX}));
  s.insert("i32", from_vector<std::int32_t>({INT32_MIN, 0, INT32_MAX}));
  s.insert("u8", from_vector<std::uint8_t>({0, 1, 255}));
  s.insert("bool", tensor({true, false, true}));
  return s;
}

// The bytes of the elements in row-major order.
std::string bytes_of(const Tensor& x) {
  const Tensor c = x.contiguous();
  return {static_cast<const char*>(c.raw_data()), static_cast<std::size_t>(c.numel()) * item_size(c.dtype())};
}

void expect_same(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    const Tensor* found = actual.find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->dtype(), tensor.dtype()) << name;
    EXPECT_EQ(found->sizes(), tensor.sizes()) << name;
    EXPECT_EQ(bytes_of(*found), bytes_of(tensor)) << name;
  }
}

class Safetensors : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "x.safetensors";

  SafetensorsFile round_trip(const StateDict& s, const std::map<std::string, std::string>& metadata = {}) {
    write_safetensors(path_, s, metadata);
    expect_same(read_safetensors(path_, {.map = true}).tensors, s);
    return read_safetensors(path_);
  }
};

TEST_F(Safetensors, KeepsEveryDtypeBitForBit) { expect_same(round_trip(all_dtypes()).tensors, all_dtypes()); }

TEST_F(Safetensors, KeepsScalarsAndEmptyTensors) {
  StateDict s;
  s.insert("scalar", tensor(2.5F));
  s.insert("empty", zeros({0}));
  s.insert("no rows", zeros({0, 3}, i64));
  s.insert("no columns", zeros({2, 0, 4}, f64));
  s.insert("eight dimensions", ones({1, 2, 1, 2, 1, 1, 1, 2}, u8));
  expect_same(round_trip(s).tensors, s);
}

TEST_F(Safetensors, KeepsAFileWithoutTensors) {
  EXPECT_TRUE(round_trip({}).tensors.empty());
  EXPECT_EQ(round_trip({}, {{"a", "b"}}).metadata.at("a"), "b");
}

TEST_F(Safetensors, WritesTheElementsOfViewsInRowMajorOrder) {
  const Tensor base = arange(24).to(f32).view({4, 6});
  StateDict s;
  s.insert("transposed", base.t());
  s.insert("columns", base.slice(1, {.first = 1, .last = {}, .step = 2}));
  s.insert("rows", base.narrow(0, 1, 2));
  s.insert("expanded", base.select(0, 0).unsqueeze(0).expand({3, 6}));
  s.insert("tracked", base.clone().requires_grad_() * 2);
  expect_same(round_trip(s).tensors, s);
}

TEST_F(Safetensors, KeepsNamesAndMetadataOfAnyText) {
  const std::string text = "ключ \"quoted\" \\ \n \t \x01 漢字 😀/..";
  StateDict s;
  s.insert(text, ones({2}));
  s.insert("", zeros({1}));
  s.insert("a.b.c", full({1}, 3));
  const SafetensorsFile read = round_trip(s, {{text, text}, {"", ""}});
  expect_same(read.tensors, s);
  EXPECT_EQ(read.metadata, (std::map<std::string, std::string>{{text, text}, {"", ""}}));
}

TEST_F(Safetensors, RefusesNamesThatTheFormatCannotHold) {
  StateDict reserved, broken;
  reserved.insert("__metadata__", ones({1}));
  broken.insert("\xff", ones({1}));
  EXPECT_THAT([&] { write_safetensors(path_, reserved); }, ThrowsMessage<Error>(HasSubstr("__metadata__")));
  EXPECT_THAT([&] { write_safetensors(path_, broken); }, ThrowsMessage<Error>(HasSubstr("UTF-8")));
  EXPECT_THAT([&] { write_safetensors(path_, {}, {{"a", "\xc3"}}); },
              ThrowsMessage<Error>(HasSubstr("UTF-8")));
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Safetensors, RefusesUndefinedTensorsByName) {
  StateDict s;
  s.insert("nothing", Tensor());
  EXPECT_THAT([&] { write_safetensors(path_, s); }, ThrowsMessage<Error>(HasSubstr("\"nothing\"")));
}

TEST_F(Safetensors, KeepsThousandsOfTensors) {
  StateDict s;
  for (int i = 0; i < 5000; ++i) s.insert("layer." + std::to_string(i), full({2}, i));
  expect_same(round_trip(s).tensors, s);
}

// The layout as the format's description gives it, read without the library.
TEST_F(Safetensors, WritesWhatOtherReadersExpect) {
  const StateDict s = all_dtypes();
  write_safetensors(path_, s, {{"format", "pt"}});
  const std::string file = read_file(path_);
  std::uint64_t length = 0;
  ASSERT_GE(file.size(), sizeof length);
  std::memcpy(&length, file.data(), sizeof length);
  static_assert(std::endian::native == std::endian::little);
  ASSERT_LE(sizeof length + length, file.size());
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(file[8], '{');
  const auto header = nlohmann::json::parse(file.substr(8, length));
  EXPECT_EQ(header.size(), s.size() + 1);
  EXPECT_EQ(header["__metadata__"], nlohmann::json({{"format", "pt"}}));
  const std::map<std::string, std::string> names{{"f32", "F32"},   {"f64", "F64"}, {"bf16", "BF16"},
                                                 {"f16", "F16"},   {"i64", "I64"}, {"i32", "I32"},
                                                 {"bool", "BOOL"}, {"u8", "U8"}};
  std::map<std::uint64_t, std::uint64_t> ranges;
  for (const auto& [name, tensor] : s) {
    const auto& entry = header[name];
    EXPECT_EQ(entry.size(), 3U);
    EXPECT_EQ(entry["dtype"], names.at(name));
    EXPECT_EQ(entry["shape"], nlohmann::json({tensor.numel()}));
    const std::uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    EXPECT_EQ(begin % item_size(tensor.dtype()), 0U) << name << " is not aligned";
    EXPECT_EQ(file.substr(8 + length + begin, end - begin), bytes_of(tensor)) << name;
    ranges[begin] = end;
  }
  std::uint64_t position = 0;  // no gap, no overlap, nothing behind
  for (const auto& [begin, end] : ranges) {
    EXPECT_EQ(begin, position);
    position = end;
  }
  EXPECT_EQ(8 + length + position, file.size());
}

TEST_F(Safetensors, ReadsWhatOtherWritersWrite) {
  // Entries in any order, keys in any order, blanks, no padding, offsets without alignment.
  const std::string data("\x01\x00\x00\x80\x3f\x00\x00\x00\x40", 9);
  write_file(path_, with_length(R"( {"b":{"data_offsets":[1,9],"dtype":"F32","shape":[2]},
    "a" : {"dtype":"BOOL","shape":[],"data_offsets":[0,1]}, "__metadata__":{}} )") +
                        data);
  for (const bool map : {false, true}) {
    const SafetensorsFile read = read_safetensors(path_, {.map = map});
    EXPECT_EQ(read.tensors.at("b").to_vector<float>(), (std::vector<float>{1, 2}));
    EXPECT_TRUE(read.tensors.at("a").item<bool>());
    EXPECT_TRUE(read.metadata.empty());
  }
}

TEST_F(Safetensors, TakesAnyByteButZeroForTrue) {
  write_file(path_, with_length(R"({"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}})") +
                        std::string("\x00\x01\x02\xff", 4));
  const std::string before = read_file(path_);
  for (const bool map : {false, true}) {
    EXPECT_EQ(bytes_of(read_safetensors(path_, {.map = map}).tensors.at("a")),
              std::string("\x00\x01\x01\x01", 4));
  }
  EXPECT_EQ(read_file(path_), before);
}

// Whether a part of the file is mapped into this process.
bool is_mapped(const std::filesystem::path& path) {
  return read_file("/proc/self/maps").find(path.filename().string()) != std::string::npos;
}

TEST_F(Safetensors, MappedAreViewsOfTheFileAsLongAsATensorLives) {
  if (!std::filesystem::exists("/proc/self/maps")) GTEST_SKIP() << "no list of what is mapped";
  write_safetensors(path_, all_dtypes());
  Tensor kept = read_safetensors(path_, {.map = true}).tensors.at("f64");
  EXPECT_TRUE(is_mapped(path_));
  std::filesystem::remove(path_);  // the map does not need the name
  EXPECT_EQ(bytes_of(kept), bytes_of(all_dtypes().at("f64")));
  kept = Tensor();
  EXPECT_FALSE(is_mapped(path_));
}

TEST_F(Safetensors, MappedChangeInMemoryAlone) {
  write_safetensors(path_, all_dtypes());
  const std::string before = read_file(path_);
  const SafetensorsFile one = read_safetensors(path_, {.map = true});
  for (const auto& [name, tensor] : one.tensors) Tensor(tensor).fill_(1);
  EXPECT_EQ(one.tensors.at("f32").to_vector<float>(), (std::vector<float>{1, 1, 1, 1}));
  EXPECT_EQ(read_file(path_), before);
  expect_same(read_safetensors(path_, {.map = true}).tensors, all_dtypes());
}

TEST_F(Safetensors, MappedStayWhatTheyWereWhenTheFileIsReplaced) {
  write_safetensors(path_, all_dtypes());
  const SafetensorsFile old = read_safetensors(path_, {.map = true});
  write_safetensors(path_, {});
  expect_same(old.tensors, all_dtypes());
}

TEST_F(Safetensors, MappedAreCopiedWhereTheFileDoesNotAlignThem) {
  std::string data(1, '\1');
  const double values[] = {1.5, -2.5};
  data.append(reinterpret_cast<const char*>(values), sizeof values);
  write_file(path_, with_length(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},
                                    "b":{"dtype":"F64","shape":[2],"data_offsets":[1,17]}})") +
                        data);
  const Tensor b = read_safetensors(path_, {.map = true}).tensors.at("b");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.raw_data()) % alignof(double), 0U);
  EXPECT_EQ(b.to_vector<double>(), (std::vector<double>{1.5, -2.5}));
}

}  // namespace
}  // namespace mica::io
