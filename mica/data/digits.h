// The handwritten digits of UCI, built into the library: enough to train on without any file.
//
// Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
// Repository, 1998, https://doi.org/10.24432/C50P49, its test set: 13 people wrote these. Licence: CC BY 4.0
// (see NOTICE). scikit-learn has the same set as load_digits().
#pragma once

#include <mica/data/images.h>

namespace mica::data {

// All 1,797 images, (1797, 1, 8, 8) f32 from 0 (paper) to 1 (ink) in steps of 1/16, in the order of the
// source.
LabelledImages digits();

// The first 1,437 to train on, or the last 360 to test with.
LabelledImages digits(Split split);

}  // namespace mica::data
