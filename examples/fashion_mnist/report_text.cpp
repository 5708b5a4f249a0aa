// The report's tables for the terminal.
#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "report.h"
#include "report_format.h"
#include "report_scores.h"

namespace demo {
namespace {

constexpr std::size_t name_width = 18;

// Cuts or fills to exactly `width` characters; UTF-8 continuation bytes count for none, control characters
// become blanks.
std::string fitted(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continuation = (byte & 0xC0) == 0x80;
    if (!continuation && used == width) break;
    if (!continuation) ++used;
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out.append(width - used, ' ');
}

std::string label(const Report& report, std::size_t index) {
  const int i = static_cast<int>(index);
  return fmt::format("{:>2} {}", i, fitted(class_name(report, i), name_width - 3));
}

}  // namespace

std::string text_tables(const Report& report) {
  const std::vector<ClassScores> scores = class_scores(report);
  if (scores.empty()) return "No classes.\n";
  std::string text;
  auto out = std::back_inserter(text);

  fmt::format_to(out, "{} {:>9} {:>9} {:>9} {:>9}  {}\n", fitted("Class", name_width), "precision", "recall",
                 "F1", "images", "most often taken for");
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const ClassScores& s = scores[i];
    const std::string rival =
        s.rival < 0
            ? "-"
            : fmt::format("{} ({})", fitted(class_name(report, s.rival), name_width - 3), s.rival_count);
    fmt::format_to(out, "{} {:>9} {:>9} {:>9} {:>9}  {}\n", label(report, i), percent(s.precision),
                   percent(s.recall), percent(s.f1), s.support, rival);
  }

  std::size_t width = 3;
  for (const auto& row : report.confusion) {
    for (std::int64_t n : row) width = std::max(width, fmt::formatted_size("{}", n));
  }
  fmt::format_to(out, "\n{}", fitted("Truth \\ said", name_width));
  for (std::size_t i = 0; i < scores.size(); ++i) fmt::format_to(out, "  {:>{}}", i, width);
  for (std::size_t truth = 0; truth < scores.size(); ++truth) {
    fmt::format_to(out, "\n{}", label(report, truth));
    for (std::size_t predicted = 0; predicted < scores.size(); ++predicted) {
      const std::int64_t n = confused(report, truth, predicted);
      fmt::format_to(out, "  {:>{}}", n == 0 ? "." : std::to_string(n), width);
    }
  }
  return text + "\n";
}

}  // namespace demo
