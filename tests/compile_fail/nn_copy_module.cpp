// expect: deleted
#include <mica/nn/linear.h>

struct Net : mica::nn::Module {
  mica::nn::Linear fc{2, 2};
};

#ifdef MUST_FAIL
Net copy(const Net& net) { return net; }
#else
Net copy(const Net& net) { return net.clone(); }
#endif
