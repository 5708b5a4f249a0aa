#include <exception>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include <mica/core/error.h>

namespace mica {
namespace {

TEST(Error, reads_as_operation_message_path_and_hint) {
  Error error("linear", "input has 8 features, weight expects 16", "check in_features");
  EXPECT_STREQ(error.what(), "[linear] input has 8 features, weight expects 16\n  hint: check in_features");
  error.set_module_path("Net.blocks.2.fc (Linear)");
  EXPECT_STREQ(error.what(),
               "[linear] input has 8 features, weight expects 16\n"
               "  in Net.blocks.2.fc (Linear)\n"
               "  hint: check in_features");
}

TEST(Error, leaves_out_what_is_empty) { EXPECT_STREQ(Error("add", "no").what(), "[add] no"); }

TEST(Error, keeps_its_parts) {
  Error error("matmul", "shapes differ", "transpose one");
  error.set_module_path("Net");
  EXPECT_EQ(error.operation(), "matmul");
  EXPECT_EQ(error.message(), "shapes differ");
  EXPECT_EQ(error.hint(), "transpose one");
  EXPECT_EQ(error.module_path(), "Net");
}

TEST(Error, a_new_module_path_replaces_the_old_one) {
  Error error("add", "no");
  error.set_module_path("fc");
  error.set_module_path("Net.fc");
  EXPECT_STREQ(error.what(), "[add] no\n  in Net.fc");
}

TEST(Error, is_caught_as_a_standard_exception_and_can_be_copied) {
  static_assert(std::is_base_of_v<std::exception, Error>);
  std::string text;
  try {
    const Error original("add", "no", "yes");
    throw Error(original);
  } catch (const std::exception& error) {
    text = error.what();
  }
  EXPECT_EQ(text, "[add] no\n  hint: yes");
}

}  // namespace
}  // namespace mica
