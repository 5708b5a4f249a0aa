#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <mica/core/any_function.h>
#include <mica/core/error.h>

namespace {

using mica::AnyFunction;

int twice(int x) { return 2 * x; }

TEST(AnyFunction, calls_what_it_was_made_from) {
  const AnyFunction<int(int)> pointer = twice;
  const AnyFunction<double(int)> lambda = [](int x) { return x + 1; };  // the result is converted
  const AnyFunction<void(int)> dropped = twice;                         // or dropped
  EXPECT_EQ(pointer(3), 6);
  EXPECT_EQ(lambda(3), 4.0);
  dropped(3);
}

TEST(AnyFunction, passes_references_and_moves_values) {
  const AnyFunction<void(std::string&)> append = [](std::string& s) { s += "!"; };
  std::string text = "a";
  append(text);
  EXPECT_EQ(text, "a!");
  const AnyFunction<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> p) { return *p; };
  EXPECT_EQ(take(std::make_unique<int>(7)), 7);
}

TEST(AnyFunction, copies_have_state_of_their_own) {
  AnyFunction<int()> count = [n = 0]() mutable { return ++n; };
  EXPECT_EQ(count(), 1);
  AnyFunction<int()> copy = count;
  EXPECT_EQ(copy(), 2);
  EXPECT_EQ(copy(), 3);
  EXPECT_EQ(count(), 2);
}

TEST(AnyFunction, destroys_what_it_owns_once) {
  const auto watched = std::make_shared<int>(0);
  {
    AnyFunction<long()> f = [watched] { return watched.use_count(); };
    EXPECT_EQ(f(), 2);
    AnyFunction<long()> moved = std::move(f);
    EXPECT_EQ(moved(), 2);
    f = moved;
    EXPECT_EQ(f(), 3);
    AnyFunction<long()>& self = f;
    f = self;
    EXPECT_EQ(f(), 3);
    f = nullptr;
    EXPECT_EQ(moved(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(AnyFunction, is_empty_if_made_from_nothing) {
  int (*null)(int) = nullptr;
  EXPECT_FALSE(AnyFunction<int(int)>());
  EXPECT_FALSE(AnyFunction<int(int)>(nullptr));
  EXPECT_FALSE(AnyFunction<int(int)>(null));
  EXPECT_FALSE(AnyFunction<int(int)>(std::function<int(int)>()));
  EXPECT_TRUE(AnyFunction<int(int)>() == nullptr);
  EXPECT_TRUE(AnyFunction<int(int)>(std::function<int(int)>(twice)));
  EXPECT_THROW(AnyFunction<int(int)>()(1), mica::Error);
}

}  // namespace
