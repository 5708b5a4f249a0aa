// expect: the fields are split over this struct and a base class
#include <mica/reflect/fields.h>

struct Module {
  using reflect_base = Module;
};

struct Layer : Module {
  int width = 1;
};

#ifdef MUST_FAIL
struct Scaled : Layer {
  float scale = 1.0F;
};
#else
struct Scaled : Module {
  Layer layer{};
  float scale = 1.0F;
};
#endif

void visit(Scaled& scaled) {
  mica::reflect::for_each_field(scaled, [](auto, auto&) {});
}
