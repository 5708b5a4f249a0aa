// expect: a value does not convert to the type of its field
#include <mica/reflect/fields.h>

struct Size {
  int width = 1;
  int height = 1;
};
struct Layer {
  Size size{};
  int depth = 1;
};

#ifdef MUST_FAIL
Layer layer = mica::reflect::make_aggregate<Layer>(1, 2);
#else
Layer layer = mica::reflect::make_aggregate<Layer>(Size{1, 2}, 2);
#endif
