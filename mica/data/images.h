// What the image datasets have in common.
#pragma once

#include <string>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica::data {

enum class Split { train, test };

// Images with one class each. TensorDataset(x.images, x.labels) makes a dataset of them.
struct LabelledImages {
  Tensor images;                         // (N, C, H, W)
  Tensor labels;                         // (N) i64, in 0 .. class_names.size() - 1
  std::vector<std::string> class_names;  // by label
};

}  // namespace mica::data
