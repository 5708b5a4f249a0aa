// What a Plain is made of; for what reads and writes the whole tree.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <mica/nn/plain.h>

namespace mica::nn {

// Whole numbers are std::int64_t if they fit, floats that are not finite are the texts "nan", "inf" and
// "-inf".
struct PlainValue {
  using List = std::vector<Plain>;
  using Record = std::vector<std::pair<std::string, Plain>>;  // in the order of the names
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Record> value;
};

}  // namespace mica::nn
