// What one call costs when the numbers are few.
#include "workloads.h"

namespace peer {

using namespace mica;

namespace {

template <class F> Step repeated(F f) {
  auto y = std::make_shared<Tensor>();
  return {[=] { *y = f(); }, [=] { return y->detach().sum().item<double>(); }};
}

nn::Sequential ten_linear() {
  nn::Sequential net;
  for (int i = 0; i < 10; ++i) net.push_back(nn::Linear{16, 16});
  return net;
}

}  // namespace

void add_dispatch(Workloads& all) {
  all.push_back({"relu16", [](const Settings&) {
                   const Tensor x = randn({16});
                   return repeated([x] { return relu(x); });
                 }});
  all.push_back({"relu16_recorded", [](const Settings&) {
                   const Tensor x = randn({16}).requires_grad_();
                   return repeated([x] { return relu(x); });
                 }});
  all.push_back({"add16", [](const Settings&) {
                   const Tensor x = randn({16}), y = randn({16});
                   return repeated([x, y] { return x + y; });
                 }});
  all.push_back({"linear16", [](const Settings&) {
                   auto layer = std::make_shared<nn::Linear>(16, 16);
                   const Tensor x = randn({1, 16});
                   return repeated([=] {
                     const NoGrad no_grad;
                     return (*layer)(x);
                   });
                 }});
  all.push_back({"sequential10", [](const Settings&) {
                   auto net = std::make_shared<nn::Sequential>(ten_linear());
                   const Tensor x = randn({1, 16});
                   return repeated([=] {
                     const NoGrad no_grad;
                     return (*net)(x);
                   });
                 }});
  all.push_back({"sequential10_backward", [](const Settings&) {
                   auto net = std::make_shared<nn::Sequential>(ten_linear());
                   const Tensor x = randn({1, 16});
                   return repeated([=] {
                     net->zero_grad();
                     const Tensor y = (*net)(x).sum();
                     y.backward();
                     return y;
                   });
                 }});
}

}  // namespace peer
