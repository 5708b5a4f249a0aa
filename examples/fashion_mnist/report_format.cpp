#include "report_format.h"

#include <cmath>
#include <cstddef>

#include <fmt/format.h>

namespace demo {

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string percent(double share, int digits) {
  return std::isfinite(share) ? fmt::format("{:.{}f}%", 100 * share, digits) : std::string("NaN");
}

std::string percent(const std::optional<double>& share) { return share ? percent(*share, 1) : "–"; }

std::string figure(double value) {
  if (std::isnan(value)) return "NaN";
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : value > 0 ? "∞" : "−∞";
}

std::string loss_figure(double value) {
  return std::isfinite(value) ? fmt::format("{:#.4g}", value) : figure(value);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace demo
