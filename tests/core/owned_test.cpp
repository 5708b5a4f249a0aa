#include <utility>

#include <gtest/gtest.h>

#include <mica/core/owned.h>

namespace {

struct Counted {
  explicit Counted(int& count) : alive(count) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& alive;
};

TEST(Owned, destroys_its_object_once) {
  int alive = 0;
  {
    mica::Owned<Counted> a(new Counted(alive));
    mica::Owned<Counted> b = std::move(a);
    EXPECT_TRUE(a == nullptr);  // NOLINT(bugprone-use-after-move): moved from is empty
    EXPECT_EQ(alive, 1);
    a = mica::Owned<Counted>(new Counted(alive));
    EXPECT_EQ(alive, 2);
    a = std::move(b);
    EXPECT_EQ(alive, 1);
    mica::Owned<Counted>& self = a;
    a = std::move(self);
    EXPECT_EQ(alive, 1);
    EXPECT_TRUE(a);
    b = std::move(a);
    b.reset();
    EXPECT_EQ(alive, 0);
    b = mica::Owned<Counted>(new Counted(alive));
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
