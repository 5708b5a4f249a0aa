// IDX: the file format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist, at the end of the page).
#pragma once

#include <mica/core/file_path.h>
#include <mica/tensor/tensor.h>

namespace mica::data {

// Reads an IDX file, plain or compressed with gzip, as a tensor of the file's sizes. Elements of 8 bits
// without sign become u8; those of 8 and 16 bits with sign, and of 32 bits, i32; floats f32 and doubles f64.
//
// Nothing in the file is trusted: memory is taken only for what a file of its size can hold. Errors: no
// such file, unreadable, not IDX, more than 8 dimensions or none, more or fewer bytes than the header says,
// damaged gzip data.
Tensor read_idx(const FilePath& path);

}  // namespace mica::data
