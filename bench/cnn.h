// The small convolutional network that several benchmarks measure, on images of 28 x 28.
#pragma once

#include <utility>

#include <mica/mica.h>

struct Cnn : mica::nn::Module {
  mica::nn::Conv2d conv1{1, 32, 3}, conv2{32, 64, 3};
  mica::nn::MaxPool2d pool{2};
  mica::nn::Linear fc1{9216, 128}, fc2{128, 10};
  mica::Tensor forward(mica::Tensor x) {
    x = pool(relu(conv2(relu(conv1(std::move(x))))));
    return fc2(relu(fc1(x.flatten(1))));
  }
};
