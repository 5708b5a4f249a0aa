#include "report_scores.h"

#include <algorithm>

#include <fmt/format.h>

namespace demo {
namespace {

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

}  // namespace

std::size_t class_count(const Report& report) {
  std::size_t count = std::max(report.class_names.size(), report.confusion.size());
  for (const auto& row : report.confusion) count = std::max(count, row.size());
  return count;
}

std::int64_t confused(const Report& report, std::size_t truth, std::size_t predicted) {
  if (truth >= report.confusion.size() || predicted >= report.confusion[truth].size()) return 0;
  return report.confusion[truth][predicted];
}

std::string class_name(const Report& report, int index) {
  const auto i = static_cast<std::size_t>(index);
  if (index < 0 || i >= report.class_names.size()) return fmt::format("class {}", index);
  return report.class_names[i];
}

std::vector<ClassScores> class_scores(const Report& report) {
  const std::size_t count = class_count(report);
  std::vector<ClassScores> scores(count);
  for (std::size_t truth = 0; truth < count; ++truth) {
    for (std::size_t predicted = 0; predicted < count; ++predicted) {
      const std::int64_t n = confused(report, truth, predicted);
      scores[truth].support += n;
      scores[predicted].predictions += n;
      if (truth != predicted && n > scores[truth].rival_count) {
        scores[truth].rival = static_cast<int>(predicted);
        scores[truth].rival_count = n;
      }
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto hits = static_cast<double>(confused(report, i, i));
    const auto support = static_cast<double>(scores[i].support);
    const auto predictions = static_cast<double>(scores[i].predictions);
    scores[i].precision = ratio(hits, predictions);
    scores[i].recall = ratio(hits, support);
    scores[i].f1 = ratio(2 * hits, support + predictions);
  }
  return scores;
}

}  // namespace demo
