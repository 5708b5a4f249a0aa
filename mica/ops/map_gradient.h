// The derivative of a program is a program.
#pragma once

#include <cstdint>
#include <span>

#include <mica/kernels/map.h>

namespace mica {
namespace detail {

// The program of the gradients of the inputs that `wanted` names. Its inputs are the gradients of the results
// of `program`, followed by the inputs of `program`.
kernels::MapProgram gradient_of(const kernels::MapProgram& program, std::span<const std::int32_t> wanted);

}  // namespace detail
}  // namespace mica
