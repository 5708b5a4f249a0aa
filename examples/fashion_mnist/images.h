// The images to train on and to test with.
#pragma once

#include <string>
#include <vector>

#include <mica/data/data.h>

namespace demo {

struct Images {
  std::string title;                       // "Fashion-MNIST"
  mica::data::LabelledImages train, test;  // f32, normalised
  mica::Tensor test_pixels;                // u8, for the report
};

// "fashion-mnist", "digits", or a folder with the four IDX files. Errors: anything else; files that are
// missing, damaged or no images of one channel with sides that two poolings can halve.
Images load_images(const std::string& source);

}  // namespace demo
