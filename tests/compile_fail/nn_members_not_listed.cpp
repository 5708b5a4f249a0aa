// expect: this class has a constructor, private members or virtual functions: list its members with NN_MEMBERS
#include <mica/nn/linear.h>

class Net : public mica::nn::Module {
 public:
  explicit Net(int width) : fc_(width, width) {}
#ifndef MUST_FAIL
  NN_MEMBERS(fc_)
#endif

 private:
  mica::nn::Linear fc_;
};

auto parameters(const Net& net) { return net.parameters(); }
