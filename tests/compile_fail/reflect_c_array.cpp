// expect: one of the fields is a C array: use std::array
#define MICA_NO_STATIC_REFLECTION
#include <mica/reflect/fields.h>

struct Layer {
  int width = 1;
#ifdef MUST_FAIL
  int sizes[2] = {1, 2};
#else
  std::array<int, 2> sizes{1, 2};
#endif
};

void visit(Layer& layer) {
  mica::reflect::for_each_field(layer, [](auto, auto&) {});
}
