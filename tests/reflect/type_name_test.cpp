#include <array>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <mica/reflect/type_name.h>

namespace outer::inner {
struct Linear {};
template <class T> struct Encoder {
  struct Part {};
};
template <class... T> struct Pack {};
template <int N> struct Fixed {};
}  // namespace outer::inner

namespace {

using mica::reflect::type_name;
using namespace outer::inner;

struct Hidden {};
class HiddenClass {};
enum class Kind { one };

template <class T> auto make_local() {
  struct InTemplate {};
  return InTemplate{};
}

TEST(TypeName, DropsNamespaces) {
  EXPECT_EQ(type_name<Linear>(), "Linear");
  EXPECT_EQ(type_name<Kind>(), "Kind");
  EXPECT_EQ(type_name<int>(), "int");
}

TEST(TypeName, DropsTheUnnamedNamespace) {
  EXPECT_EQ(type_name<Hidden>(), "Hidden");
  EXPECT_EQ(type_name<HiddenClass>(), "HiddenClass");
}

TEST(TypeName, OfALocalTypeIsItsOwn) {
  struct Local {
    struct Nested {};
  };
  EXPECT_EQ(type_name<Local>(), "Local");
  EXPECT_EQ(type_name<Local::Nested>(), "Nested");
  EXPECT_EQ(type_name<Encoder<Local>>(), "Encoder<Local>");
  EXPECT_EQ(type_name<decltype(make_local<std::vector<Hidden>>())>(), "InTemplate");
}

TEST(TypeName, KeepsTemplateArgumentsAndDropsTheirNamespacesToo) {
  EXPECT_EQ(type_name<Encoder<Linear>>(), "Encoder<Linear>");
  EXPECT_EQ((type_name<Pack<Encoder<Hidden>, Encoder<Encoder<Linear>>>>()),
            "Pack<Encoder<Hidden>, Encoder<Encoder<Linear>>>");
  EXPECT_EQ((type_name<std::array<Linear, 3>>().substr(0, 15)), "array<Linear, 3");
  EXPECT_EQ(type_name<Fixed<-2>>(), "Fixed<-2>");
}

TEST(TypeName, DropsAnEnclosingTemplate) {
  EXPECT_EQ((type_name<Encoder<Pack<int, Linear>>::Part>()), "Part");
}

TEST(TypeName, IgnoresConstAndReference) { EXPECT_EQ(type_name<const Linear&>(), "Linear"); }

TEST(TypeName, OfATypeWithoutANameHasNoPathOfTheSource) {
  [[maybe_unused]] auto lambda = [] {};
  struct {
  } unnamed;
  EXPECT_EQ(type_name<decltype(lambda)>().find("type_name_test"), std::string_view::npos);
  EXPECT_EQ(type_name<decltype(unnamed)>().find("type_name_test"), std::string_view::npos);
  EXPECT_EQ(type_name<Encoder<decltype(lambda)>>().substr(0, 8), "Encoder<");
}

TEST(TypeName, IsKnownAtCompileTime) {
  static_assert(type_name<Encoder<Hidden>>() == "Encoder<Hidden>");
  static_assert(type_name<std::map<int, int>>().starts_with("map<int, int"));
}

}  // namespace
