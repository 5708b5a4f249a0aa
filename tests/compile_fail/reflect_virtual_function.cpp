// expect: constructor, private members or virtual functions: list its members with NN_MEMBERS
#include <mica/reflect/fields.h>

struct Layer {
  int width = 1;
#ifdef MUST_FAIL
  virtual void reset() {}
#else
  void reset() {}
#endif
};

constexpr auto& names = mica::reflect::field_names<Layer>();
