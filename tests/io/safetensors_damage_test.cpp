// Reading files that are damaged, or made to harm.
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/io/safetensors.h>
#include <mica/ops/creation.h>

#include "files.h"

namespace mica::io {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Reads the file into memory and as a map, which must agree, errors included.
SafetensorsFile read_both_ways(const std::filesystem::path& path) {
  std::string message;
  try {
    read_safetensors(path, {.map = true});
  } catch (const Error& error) {
    message = error.what();
  }
  try {
    SafetensorsFile file = read_safetensors(path);
    EXPECT_EQ(message, "") << "only the map was refused";
    return file;
  } catch (const Error& error) {
    EXPECT_EQ(message, error.what());
    throw;
  }
}

class DamagedSafetensors : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "x.safetensors";

  std::function<void()> reading(const std::string& bytes) {
    return [this, bytes] {
      write_file(path_, bytes);
      read_both_ways(path_);
    };
  }
  // A header and so many bytes of data.
  std::function<void()> reading(const std::string& header, std::size_t data) {
    return reading(with_length(header) + std::string(data, '\1'));
  }
  std::string small_file() {
    StateDict s;
    s.insert("weight", arange(3).to(f32));
    s.insert("flag", tensor({true, false}));
    write_safetensors(path_, s, {{"format", "pt"}});
    return read_file(path_);
  }
};

auto says(const std::string& text) { return ThrowsMessage<Error>(HasSubstr(text)); }

TEST_F(DamagedSafetensors, IsRefusedWhereverTheFileIsCut) {
  const std::string whole = small_file();
  for (std::size_t n = whole.size(); n-- > 0;) {
    std::filesystem::resize_file(path_, n);
    EXPECT_THROW(read_both_ways(path_), Error) << n << " of " << whole.size() << " bytes";
  }
}

TEST_F(DamagedSafetensors, IsRefusedWithBytesBehindTheData) {
  EXPECT_THAT(reading(small_file() + "x"), says("1 bytes behind the last tensor"));
}

// A changed byte either makes the file invalid or another valid one; nothing else may happen.
TEST_F(DamagedSafetensors, NeverCrashesWhicheverByteIsChanged) {
  const std::string whole = small_file();
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t i, char c) { file.seekp(static_cast<std::streamoff>(i)).put(c).flush(); };
  int refused = 0, read = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      put(i, static_cast<char>(whole[i] ^ flip));
      try {
        const SafetensorsFile changed = read_both_ways(path_);
        for (const auto& [name, tensor] : changed.tensors) tensor.to_vector<double>();
        ++read;
      } catch (const Error&) {
        ++refused;
      }
    }
    put(i, whole[i]);
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(read, 100);  // the data itself, letters of names
}

TEST_F(DamagedSafetensors, SaysWhyTheHeaderIsRefused) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"pickle", "not JSON"},
      {R"({"a":{}}, 1)", "not JSON"},
      {"{\"\xff\":{}}", "not JSON"},
      {"[]", "not a JSON object"},
      {"7", "not a JSON object"},
      {"null", "not a JSON object"},
      {R"({"a":1})", "is not {dtype, shape, data_offsets}"},
      {R"({"a":{}})", "is not {dtype, shape, data_offsets}"},
      {R"({"a":{"dtype":"U8","shape":[4]}})", "is not {dtype, shape, data_offsets}"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}})", "is not {dtype"},
      {R"({"a":{"dtype":7,"shape":[4],"data_offsets":[0,4]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,2,4]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[-1,4]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0.0,4]}})", "wrong kind"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":{"0":0,"1":4}}})", "wrong kind"},
      {R"({"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}})", "dtype I16 is not supported"},
      {R"({"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}})", "dtype f32 is not supported"},
      {R"({"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}})", "not a whole number"},
      {R"({"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}})", "not a whole number"},
      {R"({"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}})", "not a whole number"},
      {R"({"a":{"dtype":"U8","shape":[true],"data_offsets":[0,4]}})", "not a whole number"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4]}})", "not a whole number"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4]}})", "can be counted"},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", "can be counted"},
      {R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,4]}})", "can be counted"},
      {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,4]}})", "9 dimensions"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}})", "needs 3 bytes, the header gives 4"},
      {R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})", "lie outside the 4 bytes"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", "lie outside"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}})", "lie outside"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})", "gap or overlaps"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", "1 bytes behind the last tensor"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
           "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor \"b\" leaves a gap"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
           "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor \"b\" leaves a gap or overlaps"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
           "b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       "overlaps"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
           "a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       "the name \"a\" appears twice"},
      {R"({"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}})", "\"shape\" appears twice"},
      {R"({"__metadata__":7})", "__metadata__ is not an object"},
      {R"({"__metadata__":{"a":7}})", "metadata \"a\" is not text"},
      {R"({"__metadata__":{"a":{"b":"c"}}})", "metadata \"a\" is not text"},
      {R"({"__metadata__":{"a":"b","a":"c"}})", "\"a\" appears twice"},
  };
  for (const auto& [header, message] : cases) {
    SCOPED_TRACE(header);
    EXPECT_THAT(reading(header, 4), says(message));
  }
}

TEST_F(DamagedSafetensors, IsRefusedWhenTheHeaderIsLongerThanTheFile) {
  EXPECT_THAT(reading(std::string("\x03\0\0\0\0\0\0\0{}", 10)), says("claims 3 bytes in a file of 10"));
  EXPECT_THAT(reading(std::string(8, '\xff') + "{}"), says("claims 18446744073709551615 bytes"));
  EXPECT_THAT(reading(std::string("\0\0\0\0\0\0\0\x80{}", 10)), says("claims 9223372036854775808 bytes"));
}

TEST_F(DamagedSafetensors, IsRefusedWhenTheHeaderIsLongerThanTheFormatAllows) {
  write_file(path_, std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10));  // 100,000,001
  std::filesystem::resize_file(path_, 100'000'009);                  // sparse
  EXPECT_THAT([&] { read_both_ways(path_); }, says("claims 100000001 bytes"));
}

TEST_F(DamagedSafetensors, DoesNotOverflowTheStackOnDeepNesting) {
  const std::string open(100'000, '['), close(100'000, ']');
  const std::string before[] = {"", R"({"a":)", R"({"a":{"dtype":"U8","data_offsets":[0,0],"shape":)",
                                R"({"__metadata__":{"a":)", R"({"a":{"b":{"c":{"d":)"};
  for (const std::string& start : before) {
    SCOPED_TRACE(start);
    std::string ends;
    for (const char c : start) ends += c == '{' ? "}" : "";
    EXPECT_THAT(reading(start + open, 0), says("nested too deeply"));
    EXPECT_THAT(reading(start + open + close + ends, 0), says("nested too deeply"));
    EXPECT_THAT(reading(start + open + close + R"(,"z":1)" + ends, 0), says("nested too deeply"));
  }
}

// There are no bytes, but strides are products of the other sizes.
TEST_F(DamagedSafetensors, IsRefusedWhenAnEmptyShapeHasStridesThatCannotBeCounted) {
  const std::string huge = "9223372036854775807";
  for (const std::string& shape : {"0," + huge + "," + huge, huge + ",0," + huge, huge + "," + huge + ",0"}) {
    SCOPED_TRACE(shape);
    EXPECT_THAT(reading(R"({"a":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,0]}})", 0),
                says("can be counted"));
  }
}

TEST_F(DamagedSafetensors, TakesNoLongerThanItsSizeAllows) {
  std::string header = "{";
  for (int i = 0; i < 50'000; ++i) {
    header += "\"" + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
  }
  header.back() = '}';
  write_file(path_, with_length(header));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_both_ways(path_).tensors.size(), 50'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));  // quadratic: a minute
}

TEST_F(DamagedSafetensors, NamesTheFileAndWhatIsNoFile) {
  EXPECT_THAT([&] { read_both_ways(folder_.path() / "missing"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("missing"), HasSubstr("No such file"))));
  EXPECT_THAT([&] { read_both_ways(folder_.path()); }, says("is not a regular file"));
  EXPECT_THAT([&] { read_both_ways("/dev/zero"); }, says("is not a regular file"));
  EXPECT_THAT(reading("{}"), says(path_.string()));
}

}  // namespace
}  // namespace mica::io
