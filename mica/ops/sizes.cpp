#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/sizes.h>

namespace mica::ops {

Shape for_each_dim(const char* operation, const char* what, const Shape& sizes, int dims) {
  if (sizes.size() == dims) return sizes;
  if (sizes.size() == 1) return Shape::filled(dims, sizes[0]);
  throw Error(operation, fmt::format("{} {} for {} dimensions", what, to_string(sizes), dims),
              "give one number for all of them, or one for each");
}

}  // namespace mica::ops
