// expect: no known conversion from .* to 'mica::FunctionRef<int \(int\)>'|could not convert .* to 'mica::FunctionRef<int\(int\)>'
// A FunctionRef binds only what can be called with its arguments and gives its result.
#include <mica/core/function_ref.h>

int apply(mica::FunctionRef<int(int)> fn) { return fn(1); }

#ifdef MUST_FAIL
int result = apply([](const char* text) { return *text; });
#else
int result = apply([](int value) { return value + 1; });
#endif
