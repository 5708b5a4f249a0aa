#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <mica/core/file_path.h>

namespace {

std::string text_of(const mica::FilePath& path) { return path.string(); }

TEST(FilePath, is_made_from_text_and_from_standard_paths) {
  EXPECT_EQ(text_of("a/b"), "a/b");
  EXPECT_EQ(text_of(std::string("a/b")), "a/b");
  EXPECT_EQ(text_of(std::string_view("a/b")), "a/b");
  EXPECT_EQ(text_of(std::filesystem::path("a") / "b"), "a/b");
  EXPECT_EQ(text_of({}), "");
}

}  // namespace
