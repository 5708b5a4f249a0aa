// expect: unknown base class: declare .using reflect_base
#include <mica/reflect/fields.h>

struct Module {
#ifndef MUST_FAIL
  using reflect_base = Module;
#endif
};

struct Layer : Module {
  int width = 1;
};

void visit(Layer& layer) {
  mica::reflect::for_each_field(layer, [](auto, auto&) {});
}
