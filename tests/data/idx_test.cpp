#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tests/data/idx_file.h>
#include <tests/temporary_folder.h>
#include <unistd.h>

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/data/idx.h>

namespace mica::data {
namespace {

using test::TemporaryFolder;

using testing::HasSubstr;

class ReadIdx : public testing::Test {
 protected:
  Tensor read(const std::string& bytes) { return read_idx(folder_.write("file", bytes)); }

  // What the Error says; it names the file in any case.
  std::string complaint(const std::string& bytes) { return complaint_about(folder_.write("file", bytes)); }
  std::string complaint_about(const std::filesystem::path& path) {
    try {
      read_idx(path);
    } catch (const Error& e) {
      EXPECT_THAT(e.message(), HasSubstr(path.string()));
      return e.what();
    }
    return "no Error";
  }

  TemporaryFolder folder_;
};

TEST_F(ReadIdx, gives_the_sizes_and_elements_of_the_file) {
  const Tensor x = read(idx_file({2, 3}, {0, 1, 2, 127, 128, 255}));
  EXPECT_EQ(x.dtype(), u8);
  EXPECT_EQ(x.sizes(), Shape({2, 3}));
  EXPECT_EQ(x.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{0, 1, 2, 127, 128, 255}));
}

TEST_F(ReadIdx, knows_compressed_files_by_their_content) {
  const Tensor x = read(gzip(idx_file({2, 2}, {9, 8, 7, 6})));
  EXPECT_EQ(x.sizes(), Shape({2, 2}));
  EXPECT_EQ(x.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{9, 8, 7, 6}));
}

TEST_F(ReadIdx, takes_gzip_files_of_several_members) {
  const std::string file = idx_file({4}, {9, 8, 7, 6});
  const Tensor x = read(gzip(file.substr(0, 9)) + gzip("") + gzip(file.substr(9)));
  EXPECT_EQ(x.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{9, 8, 7, 6}));
}

TEST_F(ReadIdx, reads_all_element_types) {
  const auto bytes = [](std::int64_t value, int size) {
    return big_endian(static_cast<std::uint64_t>(value), size);
  };
  const Tensor i8s = read(idx_header(0x09, {3}) + bytes(-128, 1) + bytes(-1, 1) + bytes(127, 1));
  EXPECT_EQ(i8s.dtype(), i32);
  EXPECT_EQ(i8s.to_vector<std::int32_t>(), (std::vector<std::int32_t>{-128, -1, 127}));
  const Tensor i16s = read(idx_header(0x0b, {3}) + bytes(-32768, 2) + bytes(-2, 2) + bytes(258, 2));
  EXPECT_EQ(i16s.dtype(), i32);
  EXPECT_EQ(i16s.to_vector<std::int32_t>(), (std::vector<std::int32_t>{-32768, -2, 258}));
  const Tensor i32s = read(idx_header(0x0c, {2}) + bytes(INT32_MIN, 4) + bytes(16909060, 4));
  EXPECT_EQ(i32s.dtype(), i32);
  EXPECT_EQ(i32s.to_vector<std::int32_t>(), (std::vector<std::int32_t>{INT32_MIN, 16909060}));
  const Tensor floats = read(idx_header(0x0d, {2}) + big_endian(std::bit_cast<std::uint32_t>(-1.25F), 4) +
                             big_endian(std::bit_cast<std::uint32_t>(1e-40F), 4));
  EXPECT_EQ(floats.dtype(), f32);
  EXPECT_EQ(floats.to_vector<float>(), (std::vector<float>{-1.25F, 1e-40F}));
  const Tensor doubles = read(idx_header(0x0e, {1, 1}) + big_endian(std::bit_cast<std::uint64_t>(0.1), 8));
  EXPECT_EQ(doubles.dtype(), f64);
  EXPECT_EQ(doubles.sizes(), Shape({1, 1}));
  EXPECT_EQ(doubles.to_vector<double>(), (std::vector<double>{0.1}));
}

TEST_F(ReadIdx, takes_one_to_eight_dimensions_and_sizes_of_zero) {
  for (std::size_t rank = 1; rank <= 8; ++rank) {
    std::vector<std::uint32_t> sizes(rank, 1);
    sizes.back() = 2;
    const Tensor x = read(idx_file(sizes, {3, 4}));
    EXPECT_EQ(x.dim(), static_cast<std::int64_t>(rank));
    EXPECT_EQ(x.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{3, 4}));
  }
  for (const auto& file : {idx_file({0, 28, 28}, {}), gzip(idx_file({0, 28, 28}, {}))}) {
    EXPECT_EQ(read(file).sizes(), Shape({0, 28, 28}));
  }
}

TEST_F(ReadIdx, reads_files_of_many_chunks) {
  constexpr std::uint32_t count = 300'001;
  std::string elements;
  for (std::uint32_t i = 0; i < count; ++i) elements += big_endian(i * 2654435761U, 4);
  const std::string file = idx_header(0x0c, {count}) + elements;
  for (const auto& bytes : {file, gzip(file)}) {
    const Tensor x = read(bytes);
    const auto values = x.data<std::int32_t>();
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(static_cast<std::uint32_t>(values[i]), i * 2654435761U) << i;
    }
  }
}

TEST_F(ReadIdx, names_what_is_not_a_file) {
  EXPECT_THAT(complaint_about(folder_.path() / "nowhere"), HasSubstr("no such file"));
  EXPECT_THAT(complaint_about(folder_.path() / "no" / "where"), HasSubstr("no such file"));
  EXPECT_THAT(complaint_about(folder_.path()), HasSubstr("folder"));
  EXPECT_THAT(complaint_about("/dev/null"), HasSubstr("not a regular file"));
}

// The superuser may read everything: gives up the privilege until the end of the scope.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    constexpr uid_t nobody = 65534;
    if (previous_ == 0) ordinary_ = seteuid(nobody) == 0;
  }
  ~OrdinaryUser() {
    if (seteuid(previous_) != 0) std::abort();
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;
  explicit operator bool() const { return ordinary_; }

 private:
  uid_t previous_ = geteuid();
  bool ordinary_ = previous_ != 0;
};

TEST_F(ReadIdx, names_a_file_that_must_not_be_read) {
  using std::filesystem::perms;
  const auto path = folder_.write("secret", idx_file({1}, {1}));
  std::filesystem::permissions(folder_.path(), perms::others_exec, std::filesystem::perm_options::add);
  std::filesystem::permissions(path, perms::none);
  const OrdinaryUser user;
  if (!user) GTEST_SKIP() << "the superuser cannot become another user here";
  EXPECT_THAT(complaint_about(path), HasSubstr("Permission denied"));
}

TEST_F(ReadIdx, names_a_folder_that_must_not_be_entered) {
  const auto path = folder_.write("closed/file", idx_file({1}, {1}));
  std::filesystem::permissions(path.parent_path(), std::filesystem::perms::none);
  {
    const OrdinaryUser user;
    if (!user) GTEST_SKIP() << "the superuser cannot become another user here";
    EXPECT_THAT(complaint_about(path), HasSubstr("Permission denied"));
  }
  std::filesystem::permissions(path.parent_path(), std::filesystem::perms::owner_all);
}

TEST_F(ReadIdx, rejects_other_kinds_of_files) {
  EXPECT_THAT(complaint(""), HasSubstr("ends inside the header"));
  EXPECT_THAT(complaint("\x89PNG\r\n\x1a\n and so on"), HasSubstr("first two bytes"));
  EXPECT_THAT(complaint(std::string("\0\1\x08\1\0\0\0\1x", 9)), HasSubstr("first two bytes"));
  EXPECT_THAT(complaint(idx_header(0x0a, {1}) + "x"), HasSubstr("0x0a"));
  EXPECT_THAT(complaint(idx_header(0x08, {}) + "x"), HasSubstr("0 dimensions"));
  EXPECT_THAT(complaint(idx_header(0x08, std::vector<std::uint32_t>(9, 1)) + "x"), HasSubstr("9 dimensions"));
}

TEST_F(ReadIdx, rejects_files_that_are_cut_off) {
  const std::string file = idx_file({2, 3}, {1, 2, 3, 4, 5, 6});
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_THAT(complaint(file.substr(0, length)), HasSubstr("the file"));
    EXPECT_THAT(complaint(gzip(file.substr(0, length))), HasSubstr("the file ends")) << length;
  }
  const std::string compressed = gzip(file);
  for (std::size_t length = 2; length < compressed.size(); ++length) {
    EXPECT_THAT(complaint(compressed.substr(0, length)), HasSubstr("cut off")) << length;
  }
}

TEST_F(ReadIdx, rejects_bytes_behind_the_last_element) {
  const std::string file = idx_file({2}, {1, 2});
  EXPECT_THAT(complaint(file + "x"), HasSubstr("there is more behind the 2 elements"));
  EXPECT_THAT(complaint(gzip(file + "x")), HasSubstr("there is more"));
  EXPECT_THAT(complaint(gzip(file) + gzip("x")), HasSubstr("there is more"));
  EXPECT_THAT(complaint(gzip(file) + "x"), HasSubstr("cut off"));
  EXPECT_THAT(complaint(gzip(file) + "something else entirely"), HasSubstr("damaged"));
}

TEST_F(ReadIdx, compares_the_checksum_of_compressed_files) {
  std::string file = gzip(idx_file({5}, {1, 2, 3, 4, 5}));
  file[file.size() - 6] = static_cast<char>(file[file.size() - 6] ^ 1);  // in the CRC of the trailer
  EXPECT_THAT(complaint(file), HasSubstr("incorrect data check"));
  file = gzip(idx_file({5}, {1, 2, 3, 4, 5}));
  file.back() = 1;  // in the length of the trailer
  EXPECT_THAT(complaint(file), HasSubstr("incorrect length check"));
}

TEST_F(ReadIdx, takes_no_memory_for_sizes_that_the_file_cannot_hold) {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  const std::string one = "x";
  const std::size_t before = memory_stats().allocations;
  EXPECT_THAT(complaint(idx_header(0x08, {most}) + one), HasSubstr("need 4294967295 bytes"));
  EXPECT_THAT(complaint(idx_header(0x0e, {1000, 1000}) + one), HasSubstr("need 8000000 bytes"));
  EXPECT_THAT(complaint(gzip(idx_header(0x08, {1000, 1000}) + one)), HasSubstr("need 1000000 bytes"));
  EXPECT_THAT(complaint(idx_header(0x08, std::vector<std::uint32_t>(8, most)) + one), HasSubstr("counted"));
  EXPECT_THAT(complaint(idx_header(0x0e, {1U << 31, 1U << 30}) + one), HasSubstr("counted"));
  // Sizes whose product is 0 or 1 modulo 2^64, and sizes beside a zero.
  EXPECT_THAT(complaint(idx_header(0x08, {1U << 31, 1U << 31, 4})), HasSubstr("counted"));
  EXPECT_THAT(complaint(idx_header(0x08, {0, most, most, most})), HasSubstr("counted"));
  EXPECT_THAT(complaint(idx_header(0x08, {most, most, most, 0})), HasSubstr("counted"));
  EXPECT_EQ(memory_stats().allocations, before);
}

// Whatever a byte is changed to: an Error, or a tensor; the sanitizers watch over the rest.
TEST_F(ReadIdx, survives_any_change_of_one_byte) {
  for (const auto& file :
       {idx_file({2, 3}, {1, 2, 3, 4, 5, 6}), idx_header(0x0d, {1, 2}) + std::string(8, 'x'),
        gzip(idx_file({2, 3}, {1, 2, 3, 4, 5, 6}))}) {
    std::size_t read_well = 0;
    for (std::size_t position = 0; position < file.size(); ++position) {
      for (const int change : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
        std::string changed = file;
        changed[position] = static_cast<char>(changed[position] ^ change);
        try {
          const Tensor x = read(changed);
          EXPECT_LE(x.numel(), 6);
          ++read_well;
        } catch (const Error& e) {
          EXPECT_THAT(e.message(), HasSubstr("file"));
        }
      }
    }
    EXPECT_GT(read_well, 0U);  // elements may change; so may a gzip header's date
  }
}

}  // namespace
}  // namespace mica::data
