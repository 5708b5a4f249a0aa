// expect: what fn returns does not convert to the type of the field
#include <string>

#include <mica/reflect/fields.h>

struct Size {
  int width = 1;
  int height = 1;
};
struct Layer {
  Size size{};
  std::string name{};
};

// The int would initialise size.width by brace elision.
Layer copy(const Layer& layer) {
  return mica::reflect::rebuild_aggregate(layer, []<class Field>(std::string_view, const Field& field) {
#ifdef MUST_FAIL
    if constexpr (requires { field.width; }) {
      return field.width;
    } else {
      return field;
    }
#else
    return field;
#endif
  });
}
