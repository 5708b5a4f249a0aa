// Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747): photographs of clothes in ten classes, in
// the files and sizes of MNIST.
#pragma once

#include <mica/core/file_path.h>
#include <mica/data/images.h>

namespace mica::data {

// Mean and standard deviation of all training pixels as numbers from 0 to 1, for to_float().
inline constexpr double fashion_mnist_mean = 0.2860;
inline constexpr double fashion_mnist_std = 0.3530;

// 60,000 training or 10,000 test images, (N, 1, 28, 28) u8 from 0 (background) to 255.
//
// `folder` has train-images-idx3-ubyte, train-labels-idx1-ubyte and the same with t10k for test, plain or
// with .gz behind the name. Without it, the files are sought in $MICA_DATA_DIR/fashion-mnist, then in
// /usr/share/datasets/fashion-mnist, where Debian's package dataset-fashion-mnist puts them.
// Errors: missing files, and how to get them; those of read_idx(); files that do not fit together.
LabelledImages fashion_mnist(Split split, const FilePath& folder = {});

}  // namespace mica::data
