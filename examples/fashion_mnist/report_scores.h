// What a confusion matrix says about each class.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report.h"

namespace demo {

struct ClassScores {
  // Empty where there is nothing to divide by: a class never predicted has no precision, one without examples
  // no recall.
  std::optional<double> precision, recall, f1;
  std::int64_t support = 0;      // examples of this class
  std::int64_t predictions = 0;  // examples taken for this class
  int rival = -1;                // the class it was most often taken for, or -1
  std::int64_t rival_count = 0;
};

// One entry per class. Missing rows and columns of the matrix count as zeros.
std::vector<ClassScores> class_scores(const Report& report);

// The number of classes: of the names or of the matrix, whichever has more.
std::size_t class_count(const Report& report);

// The matrix entry, 0 outside.
std::int64_t confused(const Report& report, std::size_t truth, std::size_t predicted);

// The name of a class, or "class 12" if it has none.
std::string class_name(const Report& report, int index);

}  // namespace demo
