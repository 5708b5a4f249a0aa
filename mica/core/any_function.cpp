#include <mica/core/any_function.h>
#include <mica/core/error.h>

namespace mica::detail {

void throw_empty_function() {
  throw Error("AnyFunction", "an empty function was called", "give it a function before");
}

}  // namespace mica::detail
