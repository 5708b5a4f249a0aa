#include "table.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include <mica/core/error.h>

namespace mica::table {

std::vector<Family>& all_families() {
  static std::vector<Family> families;
  return families;
}

Rows::Rows(std::string family, std::vector<Row> rows) {
  for (const Row& row : rows) {
    for (const gradients::Case& c : row.gradients) gradients::add_case(c);
  }
  all_families().push_back({std::move(family), std::move(rows)});
}

namespace {

struct Entry {
  std::string family;
  Row row;
  friend void PrintTo(const Entry& e, std::ostream* out) { *out << e.row.name; }
};

std::vector<Entry> entries() {
  std::vector<Entry> all;
  for (const Family& family : all_families()) {
    for (const Row& row : family.rows) all.push_back({family.name, row});
  }
  return all;
}

class OperationTest : public testing::TestWithParam<Entry> {};

TEST_P(OperationTest, AgreesWithPyTorch) {
  const auto& [family, row] = GetParam();
  ASSERT_FALSE(row.golden.empty()) << "no golden values";
  golden::expect_cases(family, row.golden);
}

TEST_P(OperationTest, ExplainsWhatItRefuses) {
  const Row& row = GetParam().row;
  ASSERT_NE(row.refusals.empty(), row.without_refusals.empty()) << "refusals, or why there are none";
  for (std::size_t i = 0; i < row.refusals.size(); ++i) {
    const Refusal& refusal = row.refusals[i];
    SCOPED_TRACE(testing::Message() << "refusal " << i << ", " << refusal.words);
    try {
      refusal.call();
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.operation(), refusal.operation.empty() ? row.name : refusal.operation);
      EXPECT_NE(std::string(e.what()).find(refusal.words), std::string::npos) << e.what();
    }
  }
}

TEST_P(OperationTest, HasGradientCasesOrAReasonWhyNot) {
  const Row& row = GetParam().row;
  EXPECT_NE(row.gradients.empty(), row.without_gradients.empty());
}

TEST_P(OperationTest, WasTriedOnEveryDType) {
  const auto& [family, row] = GetParam();
  const std::set<std::string> swept = golden::swept_dtypes(family, row.golden);
  for (const char* dtype : {"f32", "f64", "bf16", "f16", "i64", "i32", "u8", "bool"})
    EXPECT_TRUE(swept.contains(dtype)) << dtype;
}

INSTANTIATE_TEST_SUITE_P(Of, OperationTest, testing::ValuesIn(entries()), [](const auto& info) {
  return std::regex_replace(info.param.row.name, std::regex("::"), "_");
});

// ---- completeness ----

std::string text_of(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Names of the functions that a header declares for users: at the left margin in mica/ops, as members of
// Tensor behind the "conversion" line of tensor.h. Operators have named forms.
void add_declared(const std::string& text, const std::regex& declaration, std::set<std::string>& names,
                  const std::string& prefix = {}) {
  for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it)
    names.insert(prefix + (*it)[1].str());
}

std::set<std::string> public_operations() {
  static const std::regex free_function(R"(\n(?:inline )?(?:[\w:]+(?:<[\w:, ]+>)?)&? (\w+)\()");
  static const std::regex member(R"(\n  (?:Tensor|ValuesIndices|bool|std::vector<Tensor>)&? (\w+)\()");
  const std::filesystem::path root = MICA_GOLDEN_DIR "/../../mica";
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(root / "ops")) {
    const std::string file = entry.path().filename().string();
    static const std::set<std::string> internal = {
        "autocast.h",        "band.h",          "detail.h",   "inplace.h",   "map_value.h",
        "matrices.h",        "norm_backward.h", "pooled.h",   "positions.h", "recurrence.h",
        "recurrent_layer.h", "reduction.h",     "restride.h", "sizes.h"};
    if (!file.ends_with(".h") || internal.contains(file)) continue;
    std::string text = text_of(entry.path());
    text = std::regex_replace(text, std::regex(R"(\nnamespace detail \{[^]*?\n\}  // namespace detail)"), "");
    add_declared(text, free_function, names, file == "linalg.h" ? "linalg::" : "");
  }
  std::string tensor = text_of(root / "tensor" / "tensor.h");
  tensor = tensor.substr(tensor.find("--- conversion ---"));
  tensor = tensor.substr(0, tensor.find("--- for the library ---"));
  add_declared(tensor, member, names);
  return names;
}

TEST(Table, HasEveryPublicOperation) {
  auto declared = public_operations();
  EXPECT_GT(declared.size(), 100U) << "the headers were not read";
  std::set<std::string> rows;
  for (const Entry& e : entries())
    EXPECT_TRUE(rows.insert(e.row.name).second) << e.row.name << " has two rows";
  // Not operations on tensors: they take C++ values, and creation_test.cpp tries them.
  for (const char* name : {"from_blob", "from_vector", "tensor"}) EXPECT_EQ(declared.erase(name), 1U);
  for (const std::string& name : declared) EXPECT_TRUE(rows.contains(name)) << name << " has no row";
  for (const std::string& name : rows)
    EXPECT_TRUE(declared.contains(name)) << name << " is no public operation";
}

TEST(Table, UsesEveryGoldenCase) {
  std::map<std::string, std::set<std::string>> used;  // by family, which may have rows in several files
  for (const Family& family : all_families()) {
    std::set<std::string>& names = used[family.name];
    for (const Row& row : family.rows) {
      for (const auto& [name, run] : row.golden)
        EXPECT_TRUE(names.insert(name).second) << name << " of " << family.name << " is in two rows";
    }
  }
  for (const auto& [family, names] : used) {
    for (const std::string& name : golden::case_names(family))
      EXPECT_TRUE(names.contains(name)) << "nothing runs the cases of " << name << " in " << family;
  }
  for (const auto& entry : std::filesystem::directory_iterator(MICA_GOLDEN_DIR "/ops")) {
    if (entry.path().extension() == ".json")
      EXPECT_TRUE(used.contains(entry.path().stem().string())) << entry.path().stem() << " has no rows";
  }
}

}  // namespace
}  // namespace mica::table
