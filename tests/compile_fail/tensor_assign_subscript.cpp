// expect: no viable overloaded '='|discards qualifiers|no match for .operator=
#include <mica/ops/advanced_index.h>

#ifdef MUST_FAIL
void clear(mica::Tensor x, const mica::Tensor& mask) { x[mask] = x; }
#else
void clear(mica::Tensor x, const mica::Tensor& mask) { x.index_put_({mask}, 0); }
#endif
