// Products of tensors over named dimensions.
#pragma once

#include <string_view>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// Einstein summation: einsum("bij,bjk->bik", {a, b}). Each operand's dimensions are named by letters, those
// of one name are multiplied element by element, and names that the result does not have are summed over.
//   "ii->i"           a name twice in one operand: its diagonal
//   "...ij,...jk"     dots stand for any further dimensions, which broadcast; sizes of 1 broadcast, too
//   "ij,jk"           without an arrow: the dots' dimensions, then the names that occur once, in the order of
//                     the alphabet, capital letters first
// Spaces do not matter. Operands are contracted from left to right; put the small ones first. The result may
// be a view of a single operand. Errors: what is no equation, with its place; sizes or dtypes that do not
// fit.
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands);

// The sum of products over the last `dims` dimensions of a and the first of b, or over pairs of dimensions:
// tensordot(a, b, {0, 2}, {1, 0}) goes over dimension 0 of a with 1 of b and 2 of a with 0 of b. A pair with
// one size of 1 broadcasts. Shapes: the other dimensions of a, then those of b.
Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t dims = 2);
Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& dims_a, const Shape& dims_b);

}  // namespace mica
