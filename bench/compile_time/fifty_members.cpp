// The same program as two_layers.cpp with fifty more members in its model.
#include <mica/mica.h>

using namespace mica;

struct Net : nn::Module {
  int hidden = 16;
  nn::Linear fc1{784, hidden};
  nn::Linear fc2{hidden, 10};
  nn::Linear linear0{hidden, hidden};
  nn::Conv2d conv0{hidden, hidden, 3};
  nn::LayerNorm norm0{hidden};
  nn::Dropout drop0{0.1};
  nn::Parameter scale0{ones({hidden})};
  nn::Linear linear1{hidden, hidden};
  nn::Conv2d conv1{hidden, hidden, 3};
  nn::LayerNorm norm1{hidden};
  nn::Dropout drop1{0.1};
  nn::Parameter scale1{ones({hidden})};
  nn::Linear linear2{hidden, hidden};
  nn::Conv2d conv2{hidden, hidden, 3};
  nn::LayerNorm norm2{hidden};
  nn::Dropout drop2{0.1};
  nn::Parameter scale2{ones({hidden})};
  nn::Linear linear3{hidden, hidden};
  nn::Conv2d conv3{hidden, hidden, 3};
  nn::LayerNorm norm3{hidden};
  nn::Dropout drop3{0.1};
  nn::Parameter scale3{ones({hidden})};
  nn::Linear linear4{hidden, hidden};
  nn::Conv2d conv4{hidden, hidden, 3};
  nn::LayerNorm norm4{hidden};
  nn::Dropout drop4{0.1};
  nn::Parameter scale4{ones({hidden})};
  nn::Linear linear5{hidden, hidden};
  nn::Conv2d conv5{hidden, hidden, 3};
  nn::LayerNorm norm5{hidden};
  nn::Dropout drop5{0.1};
  nn::Parameter scale5{ones({hidden})};
  nn::Linear linear6{hidden, hidden};
  nn::Conv2d conv6{hidden, hidden, 3};
  nn::LayerNorm norm6{hidden};
  nn::Dropout drop6{0.1};
  nn::Parameter scale6{ones({hidden})};
  nn::Linear linear7{hidden, hidden};
  nn::Conv2d conv7{hidden, hidden, 3};
  nn::LayerNorm norm7{hidden};
  nn::Dropout drop7{0.1};
  nn::Parameter scale7{ones({hidden})};
  nn::Linear linear8{hidden, hidden};
  nn::Conv2d conv8{hidden, hidden, 3};
  nn::LayerNorm norm8{hidden};
  nn::Dropout drop8{0.1};
  nn::Parameter scale8{ones({hidden})};
  nn::Linear linear9{hidden, hidden};
  nn::Conv2d conv9{hidden, hidden, 3};
  nn::LayerNorm norm9{hidden};
  nn::Dropout drop9{0.1};
  nn::Parameter scale9{ones({hidden})};
  Tensor forward(const Tensor& x) { return fc2(relu(fc1(x))); }
};

int main() {
  Net net{.hidden = 32};
  optim::SGD optimizer{net.parameters(), {.lr = 0.1}};
  const Tensor x = randn({64, 784});
  const Tensor label = randint(0, 10, {64});
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = nn::cross_entropy(net(x), label);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  save(net, "net.safetensors");
}
