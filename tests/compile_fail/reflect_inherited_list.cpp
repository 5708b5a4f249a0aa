// expect: this class inherits an NN_MEMBERS list that knows nothing of its own members
#include <mica/reflect/fields.h>

class Linear {
 public:
  explicit Linear(int width) : width(width) {}
  int width;
  NN_MEMBERS(width)
};

class Scaled : public Linear {
 public:
  Scaled() : Linear(1) {}
  float scale = 1.0F;
#ifndef MUST_FAIL
  NN_MEMBERS(width, scale)
#endif
};

void visit(Scaled& scaled) {
  mica::reflect::for_each_field(scaled, [](auto, auto&) {});
}
