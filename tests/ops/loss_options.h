// What the tests of losses share.
#pragma once

#include <mica/ops/loss.h>

#include "golden.h"

namespace mica {

inline Reduction reduction(const golden::Args& a) {
  if (!a.has("reduction") || a.text("reduction") == "mean") return Reduction::mean;
  if (a.text("reduction") == "batchmean") return Reduction::batchmean;
  return a.text("reduction") == "sum" ? Reduction::sum : Reduction::none;
}

}  // namespace mica
