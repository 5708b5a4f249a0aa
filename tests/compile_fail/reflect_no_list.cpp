// expect: constructor, private members or virtual functions: list its members with NN_MEMBERS
#include <mica/reflect/fields.h>

class Linear {
 public:
  explicit Linear(int width) : width_(width) {}
#ifndef MUST_FAIL
  NN_MEMBERS(width_)
#endif
  int width() const { return width_; }

 private:
  int width_;
};

void visit(Linear& linear) {
  mica::reflect::for_each_field(linear, [](auto, auto&) {});
}
