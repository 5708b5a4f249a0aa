#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <gtest/gtest.h>

#include <mica/reflect/fields.h>

namespace {

namespace reflect = mica::reflect;

struct Module {
  using reflect_base = Module;
};

template <class T> std::string joined_names() {
  std::string out;
  for (std::string_view name : reflect::field_names<T>()) out.append(out.empty() ? "" : " ").append(name);
  return out;
}

class Linear : public Module {
 public:
  explicit Linear(int features) : features_(features), weight_(std::make_unique<float>(0.5F)) {}
  Linear(Linear&&) = default;
  virtual ~Linear() = default;
  float weight() const { return *weight_; }
  NN_MEMBERS(weight_, bias_)

 private:
  int features_;
  std::unique_ptr<float> weight_;
  std::optional<float> bias_{};
};

TEST(Members, ArePrivateAndVisitedInTheOrderOfTheList) {
  Linear linear(3);
  std::string order;
  reflect::for_each_field(linear, [&]<class Field>(std::string_view name, Field& field) {
    order.append(name).append(" ");
    if constexpr (std::is_same_v<Field, std::unique_ptr<float>>) *field = 2.0F;
  });
  EXPECT_EQ(order, "weight_ bias_ ");
  EXPECT_EQ(linear.weight(), 2.0F);
}

TEST(Members, OfAConstObjectAreConst) {
  const Linear linear(3);
  int visited = 0;
  reflect::for_each_field(linear, [&](std::string_view, auto& field) {
    static_assert(std::is_const_v<std::remove_reference_t<decltype(field)>>);
    ++visited;
  });
  EXPECT_EQ(visited, 2);
}

TEST(Members, ThatAreNotListedAreNotVisited) {
  static_assert(reflect::field_count<Linear> == 2);
  static_assert(reflect::field_name<Linear, 1> == "bias_");
  static_assert(std::is_same_v<reflect::field_type<Linear, 1>, std::optional<float>>);
  EXPECT_EQ(joined_names<const Linear>(), "weight_ bias_");
}

class Nothing {
 public:
  explicit Nothing(int) {}
  NN_MEMBERS()
};

TEST(Members, MayBeNone) {
  EXPECT_EQ(reflect::field_count<Nothing>, 0U);
  Nothing nothing(1);
  reflect::for_each_field(nothing, [](std::string_view, auto&) { FAIL(); });
}

template <class Inner> class Wrapper : public Module {
 public:
  explicit Wrapper(Inner inner) : inner_(std::move(inner)) {}
  NN_MEMBERS(inner_, table_)

 private:
  Inner inner_;
  std::map<std::string, Inner> table_{};
};

TEST(Members, MayBelongToAClassTemplate) {
  EXPECT_EQ(joined_names<Wrapper<int>>(), "inner_ table_");
  Wrapper<Linear> wrapper(Linear(2));
  reflect::for_each_field(wrapper, [](std::string_view, auto& field) {
    if constexpr (requires { field.weight(); }) EXPECT_EQ(field.weight(), 0.5F);
  });
}

TEST(Members, MayBelongToALocalClass) {
  class Local {
   public:
    Local() = default;
    NN_MEMBERS(one, two)

   private:
    int one = 1, two = 2;
  };
  const Local local;
  EXPECT_EQ(joined_names<Local>(), "one two");
  EXPECT_EQ(reflect::apply_fields(local, [](int one, int two) { return 10 * one + two; }), 12);
}

class Protected {
 public:
  NN_MEMBERS(first)
 protected:
  int first = 1;
};
class RepeatsTheList : public Protected {
 public:
  NN_MEMBERS(first, second)
 private:
  int second = 2;
};
class AddsWithoutList : public Protected {
 public:
  AddsWithoutList() = default;
  int second = 2;
};
struct AddsAsAggregate : Protected {
  int second = 2;
};

TEST(Members, OfADerivedClassAreThoseOfItsOwnList) {
  EXPECT_EQ(joined_names<Protected>(), "first");
  EXPECT_EQ(joined_names<RepeatsTheList>(), "first second");
  RepeatsTheList object;
  EXPECT_EQ(reflect::apply_fields(object, [](int first, int second) { return 10 * first + second; }), 12);
}

TEST(Members, AreNotTakenFromABaseClass) {
  static_assert(!reflect::Reflectable<AddsWithoutList>);
  static_assert(!reflect::Reflectable<AddsAsAggregate>);
}

// A library's base visits the class from its own member functions, before the list and after it.
struct Counter : Module {
  auto count(this auto& self) {
    int visited = 0;
    reflect::for_each_field(self, [&](std::string_view, auto&) { ++visited; });
    return visited;
  }
};

class CountsItself : public Counter {
 public:
  CountsItself() { at_construction = count(); }
  int at_construction = 0;
  NN_MEMBERS(at_construction, other)
  int again() { return count(); }

 private:
  int other = 0;
};

struct CountsItselfPlainly : Counter {
  int width = 1, height = 2;
  int visited() { return count(); }
};

TEST(Members, CanBeVisitedByMemberFunctionsOfTheClass) {
  CountsItself object;
  EXPECT_EQ(object.at_construction, 2);
  EXPECT_EQ(object.again(), 2);
  EXPECT_EQ(CountsItselfPlainly{}.visited(), 2);
}

// A list wins over the aggregate's own fields.
struct ListedAggregate {
  int shown = 1;
  int cache = 2;
  NN_MEMBERS(shown)
};

TEST(Members, OfAnAggregateMayBeListedToo) {
  EXPECT_EQ(joined_names<ListedAggregate>(), "shown");
  static_assert(reflect::Reflectable<ListedAggregate> && !reflect::PlainStruct<ListedAggregate>);
}

struct Many {
  // clang-format off
  int a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{}, a10{}, a11{}, a12{}, a13{}, a14{}, a15{},
      b0{}, b1{}, b2{}, b3{}, b4{}, b5{}, b6{}, b7{}, b8{}, b9{}, b10{}, b11{}, b12{}, b13{}, b14{}, b15{},
      c0{}, c1{}, c2{}, c3{}, c4{}, c5{}, c6{}, c7{}, c8{}, c9{}, c10{}, c11{}, c12{}, c13{}, c14{}, c15{},
      d0{}, d1{}, d2{}, d3{}, d4{}, d5{}, d6{}, d7{}, d8{}, d9{}, d10{}, d11{}, d12{}, d13{}, d14{}, d15{}, more{};
  NN_MEMBERS(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,
             b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15,
             c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15,
             d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14, d15, more)
  // clang-format on
};

TEST(Members, MayBeMoreThanSixtyFour) {
  Many many;
  int next = 0;
  reflect::for_each_field(many, [&](std::string_view, int& field) { field = next++; });
  EXPECT_EQ(many.b0, 16);
  EXPECT_EQ(many.more, 64);
  EXPECT_EQ((reflect::field_name<Many, 64>), "more");
}

}  // namespace
