// expect: one of its fields a reference
#define MICA_NO_STATIC_REFLECTION
#include <mica/reflect/fields.h>

struct Layer {
#ifdef MUST_FAIL
  int& width;
#else
  int* width;
#endif
};

void visit(Layer& layer) {
  mica::reflect::for_each_field(layer, [](auto, auto&) {});
}
