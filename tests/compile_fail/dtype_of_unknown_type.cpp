// expect: not an element type of mica tensors
#include <mica/core/dtype.h>

#ifdef MUST_FAIL
constexpr mica::DType dtype = mica::dtype_of<long double>;
#else
constexpr mica::DType dtype = mica::dtype_of<double>;
#endif
