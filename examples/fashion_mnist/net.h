// The model: a plain struct.
#pragma once

#include <mica/mica.h>

namespace demo {

using namespace mica;

struct ConvBlock : nn::Module {
  int in, out;
  nn::Conv2d conv{in, out, 3, {.padding = 1, .bias = false}};
  nn::BatchNorm2d norm{out};
  Tensor forward(Tensor x) { return relu(norm(conv(x))); }
};

struct Net : nn::Module {
  int size = 28, classes = 10, width = 32;  // size: height and width of the images
  ConvBlock block1{.in = 1, .out = width};
  ConvBlock block2{.in = width, .out = 2 * width};
  ConvBlock block3{.in = 2 * width, .out = 4 * width};
  nn::MaxPool2d pool{2};
  nn::Dropout drop{0.25};
  nn::Linear fc1{4 * width * (size / 4) * (size / 4), 128};
  nn::Linear fc2{128, classes};

  Tensor forward(Tensor x) {                    // (N, 1, size, size)
    x = pool(block1(x));                        // (N, width, size / 2, size / 2)
    x = pool(block3(block2(x)));                // (N, 4 width, size / 4, size / 4)
    return fc2(drop(relu(fc1(x.flatten(1)))));  // (N, classes)
  }
};

}  // namespace demo
