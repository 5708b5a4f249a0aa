// expect: is copied member by member into an empty one: give it a default constructor
#include <mica/nn/linear.h>

class Net : public mica::nn::Module {
 public:
  explicit Net(int width) : fc_(width, width) {}
  NN_MEMBERS(fc_)

 private:
#ifndef MUST_FAIL
  friend Module;
  Net() : Net(0) {}
#endif
  mica::nn::Linear fc_;
};

Net copy(const Net& net) { return net.clone(); }
