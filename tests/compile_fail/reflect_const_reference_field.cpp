// expect: one of the fields is a reference
#define MICA_NO_STATIC_REFLECTION
#include <mica/reflect/fields.h>

struct Layer {
#ifdef MUST_FAIL
  const int& width;
#else
  const int width;
#endif
};

void visit(Layer& layer) {
  mica::reflect::for_each_field(layer, [](auto, auto&) {});
}
