// The curves of a training run.
#pragma once

#include <vector>

#include "report.h"
#include "report_chart.h"

namespace demo {

// Loss, accuracy and learning rate over the epochs, and the loss of every step; what was not recorded is left
// out.
std::vector<Chart> learning_curves(const Report& report);

}  // namespace demo
