#include <any>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <mica/reflect/fields.h>

namespace {

namespace reflect = mica::reflect;

// As a library's module base: empty, movable, not copyable.
struct Module {
  using reflect_base = Module;
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
};

template <class T> std::string joined_names() {
  std::string out;
  for (std::string_view name : reflect::field_names<T>()) out.append(out.empty() ? "" : " ").append(name);
  return out;
}

struct Point {
  int x = 1;
  double y = 2.5;
};

TEST(Fields, VisitsNamesAndReferencesInOrderOfDeclaration) {
  Point point;
  std::vector<std::string> names;
  reflect::for_each_field(point, [&](std::string_view name, auto& field) {
    names.emplace_back(name);
    field += 1;
  });
  EXPECT_EQ(names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(point.x, 2);
  EXPECT_EQ(point.y, 3.5);
}

TEST(Fields, OfAConstObjectAreConst) {
  const Point point;
  reflect::for_each_field(point, [](std::string_view, auto& field) {
    static_assert(std::is_const_v<std::remove_reference_t<decltype(field)>>);
  });
  EXPECT_EQ(reflect::apply_fields(point, [](auto&... field) { return (field + ...); }), 3.5);
}

TEST(Fields, AreTheObjectsOwn) {
  Point point;
  reflect::apply_fields(point, [&](auto& x, auto& y) {
    EXPECT_EQ(&x, &point.x);
    EXPECT_EQ(&y, &point.y);
  });
}

TEST(Fields, AreKnownAtCompileTime) {
  constexpr double sum = [] {
    Point point{.x = 4, .y = 2.0};
    return reflect::apply_fields(point, [](int& x, double& y) { return x + y; });
  }();
  static_assert(sum == 6.0);
  static_assert(reflect::field_count<Point> == 2);
  static_assert(reflect::field_name<Point, 1> == "y");
  static_assert(std::is_same_v<reflect::field_type<Point, 1>, double>);
}

struct Layer : Module {
  int width = 3;
  std::optional<int> bias{};
};

struct Empty : Module {};
struct EmptyWithoutBase {};
struct FirstIsModule : Module {
  Layer first{};
  float p = 0.5F;
};
struct FirstIsEmptyModule : Module {
  Empty first{};
  int z = 0;
};
struct FirstIsBaseItself : Module {
  Module first{};
  int z = 0;
};
struct OnlyModule : Module {
  Layer only{};
};
struct Nested : Module {
  FirstIsModule a{};
  FirstIsModule b{};
  std::vector<FirstIsModule> more{};
  std::array<Layer, 3> heads{};
  float p = 0;
};

TEST(Fields, LeaveOutTheEmptyBase) {
  EXPECT_EQ(joined_names<Layer>(), "width bias");
  EXPECT_EQ(joined_names<Empty>(), "");
  EXPECT_EQ(joined_names<EmptyWithoutBase>(), "");
  EXPECT_EQ(reflect::field_count<Empty>, 0U);
  Empty empty;
  reflect::for_each_field(empty, [](std::string_view, auto&) { FAIL(); });
}

TEST(Fields, WhoseClassHasTheSameEmptyBaseAreCountedOnce) {
  EXPECT_EQ(joined_names<FirstIsModule>(), "first p");
  EXPECT_EQ(joined_names<FirstIsEmptyModule>(), "first z");
  EXPECT_EQ(joined_names<FirstIsBaseItself>(), "first z");
  EXPECT_EQ(joined_names<OnlyModule>(), "only");
  EXPECT_EQ(joined_names<Nested>(), "a b more heads p");
}

struct Helpers : Module {
  int twice(int value) const { return 2 * value; }
};
struct BelowHelpers : Helpers {
  int value = 2;
  Layer layer{};
};

TEST(Fields, MayStandBelowAnEmptyClassBetweenThemAndTheBase) {
  EXPECT_EQ(joined_names<BelowHelpers>(), "value layer");
}

struct Tag {};
struct TwoBases : Module, Tag {
  Layer layer{};
  int value = 1;
};

}  // namespace

template <> inline constexpr std::size_t mica::reflect::empty_base_count<TwoBases> = 2;

namespace {

TEST(Fields, BelowSeveralEmptyBasesNeedTheirNumber) {
  EXPECT_EQ(joined_names<TwoBases>(), "layer value");
  TwoBases made = reflect::make_aggregate<TwoBases>(Layer{{}, 9});
  EXPECT_EQ(made.layer.width, 9);
  EXPECT_EQ(made.value, 1);
}

TEST(Fields, OfLocalTypesHaveNames) {
  struct Local : Module {
    Layer inner{};
    int last_one = 0;
  };
  EXPECT_EQ(joined_names<Local>(), "inner last_one");
}

TEST(Fields, OfUnnamedTypesHaveNames) {
  struct {
    int left = 1;
    std::string right = "r";
  } unnamed;
  EXPECT_EQ(joined_names<decltype(unnamed)>(), "left right");
  auto lambda_local = [] {
    struct InLambda {
      int in_lambda = 7;
    };
    return InLambda{};
  }();
  EXPECT_EQ(joined_names<decltype(lambda_local)>(), "in_lambda");
}

template <class Inner, int N> struct Encoder : Module {
  Inner inner{};
  std::array<Inner, N> layers{};
  static inline int shared = 0;
};

TEST(Fields, OfClassTemplatesHaveNamesAndStaticMembersAreNone) {
  EXPECT_EQ((joined_names<Encoder<Layer, 2>>()), "inner layers");
  EXPECT_EQ((joined_names<Encoder<Encoder<int, 3>, 1>>()), "inner layers");
}

struct Recursive {
  std::string name{};
  std::vector<Recursive> children{};
  std::map<std::string, Recursive> by_name{};
  std::unique_ptr<Recursive> next{};
};

TEST(Fields, MayHoldTheirOwnType) { EXPECT_EQ(joined_names<Recursive>(), "name children by_name next"); }

enum class Colour { red };
union Either {
  int i;
  float f;
};

struct Everything : Module {
  std::vector<int> list{};
  std::map<std::string, Layer> table{};
  std::optional<Layer> maybe{};
  std::unique_ptr<Layer> owner{};
  std::shared_ptr<Layer> shared{};
  std::tuple<> nothing{};
  std::tuple<int> one_tuple{};
  std::tuple<int, Layer> pair_of_kinds{};
  std::pair<int, float> pair{};
  std::variant<int> one_variant{};
  std::variant<int, std::string> variant{};
  std::function<int(int)> function{};
  std::any any{};
  std::string text{};
  std::string_view view{};
  std::deque<bool> flags{};
  int (*pointer)(int) = nullptr;
  int Point::* member = nullptr;
  Colour colour = Colour::red;
  Either either{};
  void* address = nullptr;
  const int constant = 4;
};

TEST(Fields, OfStandardTypesCountAsOneEach) {
  EXPECT_EQ(
      joined_names<Everything>(),
      "list table maybe owner shared nothing one_tuple pair_of_kinds pair one_variant variant function any "
      "text view flags pointer member colour either address constant");
  static_assert(std::is_same_v<reflect::field_type<Everything, 21>, const int>);
}

// Whatever can be made from anything could swallow the probe that counts fields.
struct Greedy {
  Greedy() = default;
  template <class T> Greedy(T&&) {}
};
struct FromList {
  FromList() = default;
  FromList(std::initializer_list<float>) {}
  FromList(float) {}
  FromList(double) {}
};
struct Immovable {
  Immovable() = default;
  Immovable(Immovable&&) = delete;
};
struct ExplicitOnly {
  explicit ExplicitOnly(int width) : width(width) {}
  int width;
};

struct Awkward {
  Greedy greedy{};
  FromList list{};
  Immovable fixed{};
  ExplicitOnly needs_width{3};
  Point aggregate{};
  std::array<Point, 2> points{};
  std::array<int, 0> none{};
};

TEST(Fields, OfAwkwardTypesCountAsOneEach) {
  EXPECT_EQ(joined_names<Awkward>(), "greedy list fixed needs_width aggregate points none");
}

struct SingleGreedy {
  Greedy greedy{};
};
struct SingleArray {
  std::array<int, 4> values{};
};
struct SingleAggregate {
  Point point{};
};

TEST(Fields, ThatAreTheOnlyOneAreFound) {
  EXPECT_EQ(joined_names<SingleGreedy>(), "greedy");
  EXPECT_EQ(joined_names<SingleArray>(), "values");
  EXPECT_EQ(joined_names<SingleAggregate>(), "point");
}

struct NotDefaultConstructible : Module {
  int before = 1;
  ExplicitOnly layer;
  int after = 2;
};

TEST(Fields, NeedNoDefault) {
  static_assert(!std::is_default_constructible_v<NotDefaultConstructible>);
  EXPECT_EQ(joined_names<NotDefaultConstructible>(), "before layer after");
}

struct SixtyFour : Module {
  // clang-format off
  int a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{}, a10{}, a11{}, a12{}, a13{}, a14{}, a15{},
      b0{}, b1{}, b2{}, b3{}, b4{}, b5{}, b6{}, b7{}, b8{}, b9{}, b10{}, b11{}, b12{}, b13{}, b14{}, b15{},
      c0{}, c1{}, c2{}, c3{}, c4{}, c5{}, c6{}, c7{}, c8{}, c9{}, c10{}, c11{}, c12{}, c13{}, c14{}, c15{},
      d0{}, d1{}, d2{}, d3{}, d4{}, d5{}, d6{}, d7{}, d8{}, d9{}, d10{}, d11{}, d12{}, d13{}, d14{}, d15{};
  // clang-format on
};

TEST(Fields, MayBeSixtyFour) {
  static_assert(reflect::field_count<SixtyFour> == 64);
  SixtyFour many;
  int next = 0;
  reflect::for_each_field(many, [&](std::string_view, int& field) { field = next++; });
  EXPECT_EQ(many.a0, 0);
  EXPECT_EQ(many.b3, 19);
  EXPECT_EQ(many.d15, 63);
  EXPECT_EQ((reflect::field_name<SixtyFour, 0>), "a0");
  EXPECT_EQ((reflect::field_name<SixtyFour, 63>), "d15");
}

struct Listed : Module {
  int width;
  std::unique_ptr<int> handle;
  explicit Listed(int width) : width(width), handle(std::make_unique<int>(width)) {}
  NN_MEMBERS(width, handle)
};

struct Network : Module {
  int in = 2, out = 3;
  Listed layer{in};
  std::vector<Layer> blocks{};
  Immovable fixed{};
  const int depth = 1;
  std::array<int, 2> sizes{in, out};
};

TEST(RebuildAggregate, MakesEachFieldFromItsSource) {
  Network source{.in = 5, .depth = 8, .sizes = {3, 4}};
  source.blocks.push_back({.width = 11});
  std::string order;
  const auto remake = [&]<class Field>(std::string_view name, const Field& field) {
    order.append(name).append(" ");
    if constexpr (std::is_same_v<Field, Listed>) {
      return Listed(field.width + 1);
    } else if constexpr (std::is_same_v<Field, Immovable>) {
      return Immovable{};
    } else if constexpr (std::is_same_v<Field, std::vector<Layer>>) {
      std::vector<Layer> copies;
      for (const Layer& layer : field) copies.push_back({.width = layer.width});
      return copies;
    } else {
      return field;
    }
  };
  Network copy = reflect::rebuild_aggregate(source, remake);
  EXPECT_EQ(order, "in out layer blocks fixed depth sizes ");
  EXPECT_EQ(copy.in, 5);
  EXPECT_EQ(copy.out, 3);
  EXPECT_EQ(copy.layer.width, 6);
  EXPECT_EQ(*copy.layer.handle, 6);
  ASSERT_EQ(copy.blocks.size(), 1U);
  EXPECT_EQ(copy.blocks[0].width, 11);
  EXPECT_EQ(copy.depth, 8);
  EXPECT_EQ(copy.sizes, (std::array{3, 4}));
}

TEST(RebuildAggregate, OfAStructWithoutFieldsIsADefaultOne) {
  static_assert(
      std::is_same_v<decltype(reflect::rebuild_aggregate(Empty{}, [](std::string_view, auto&) { return 0; })),
                     Empty>);
  EXPECT_NO_THROW(reflect::rebuild_aggregate(Empty{}, [](std::string_view, auto&) { return 0; }));
}

TEST(RebuildAggregate, LetsExceptionsThroughAndDestroysWhatWasMade) {
  struct Two {
    std::shared_ptr<int> first{};
    int second = 0;
  };
  const Two source{std::make_shared<int>(1), 2};
  const auto failing = []<class Field>(std::string_view name, const Field& field) {
    if (name == "second") throw std::string("no");
    return field;
  };
  EXPECT_THROW(reflect::rebuild_aggregate(source, failing), std::string);
  EXPECT_EQ(source.first.use_count(), 1);
}

TEST(MakeAggregate, FillsTheLeadingFieldsAndLeavesTheRestToTheirDefaults) {
  Network net = reflect::make_aggregate<Network>(7, 9);
  EXPECT_EQ(net.in, 7);
  EXPECT_EQ(net.out, 9);
  EXPECT_EQ(net.layer.width, 7);
  EXPECT_EQ(net.sizes, (std::array{7, 9}));
  EXPECT_EQ(reflect::make_aggregate<Network>().in, 2);
  EXPECT_EQ(reflect::make_aggregate<Point>(3).y, 2.5);
}

class Constructed {
 public:
  explicit Constructed(int) {}
};
struct SplitBase {
  int a = 0;
};
struct Split : SplitBase {
  int b = 0;
};
struct WithArray {
  int values[2] = {};
  int last = 0;
};
struct OnlyArray {
  int values[1] = {};
};
struct WithReference {
  int& reference;
};
struct WithConstReference {
  const std::string& reference;
};
class InheritsList : public Listed {
 public:
  InheritsList() : Listed(1) {}
  int extra = 0;
};
struct UnknownBase : Tag {
  int value = 0;
};

TEST(Reflectable, IsFalseForWhatCannotBeListed) {
  static_assert(reflect::Reflectable<Network> && reflect::Reflectable<const Network>);
  static_assert(reflect::PlainStruct<Network> && !reflect::PlainStruct<Listed>);
  static_assert(reflect::Reflectable<Listed>);
  static_assert(!reflect::Reflectable<Constructed>);
  static_assert(!reflect::Reflectable<Split>);
  static_assert(!reflect::Reflectable<WithReference>);
  static_assert(!reflect::Reflectable<WithConstReference>);
  static_assert(!reflect::Reflectable<InheritsList>);
  static_assert(!reflect::Reflectable<UnknownBase>);
  static_assert(!reflect::Reflectable<Either>);
  static_assert(!reflect::Reflectable<int>);
  static_assert(!reflect::Reflectable<std::string>);
#ifndef MICA_STATIC_REFLECTION
  static_assert(!reflect::Reflectable<WithArray> && !reflect::Reflectable<OnlyArray>);
#endif
}

}  // namespace
