// expect: no viable overloaded '='|discards qualifiers|no match for .operator=
#include <mica/ops/advanced_index.h>

#ifdef MUST_FAIL
void set_row(mica::Tensor x, const mica::Tensor& row) { x[0] = row; }
#else
void set_row(mica::Tensor x, const mica::Tensor& row) { x[0].copy_(row); }
#endif
