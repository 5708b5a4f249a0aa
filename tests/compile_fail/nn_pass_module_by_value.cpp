// expect: deleted
#include <mica/nn/sequential.h>

struct Net : mica::nn::Module {
  mica::nn::Sequential stages;
};
void train(Net net);

void run(Net& net) {
#ifdef MUST_FAIL
  train(net);
#else
  train(std::move(net));
#endif
}
