#include "report_chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>

#include <fmt/format.h>

namespace demo {
namespace {

// User units of the SVG; the page scales it to the width it has.
constexpr double width = 640, height = 330;
constexpr double left = 62, right = width - 14, top = 14, bottom = height - 58;

// Differences of such values can still be drawn.
bool drawable(double value) { return std::abs(value) < 1e100; }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

struct Axes {
  Range x{}, y{};
  Ticks x_ticks{}, y_ticks{};
  double x_at(double value) const { return left + (value - x.low) / (x.high - x.low) * (right - left); }
  double y_at(double value) const { return bottom - (value - y.low) / (y.high - y.low) * (bottom - top); }
};

// Also when the values differ by rounding only: there are no round numbers between them.
void widen_if_flat(Range& range, double by) {
  if (range.high - range.low > 1e-9 * std::max(std::abs(range.low), std::abs(range.high))) return;
  range.low -= by;
  range.high += by;
}

Axes make_axes(const Chart& chart) {
  Axes axes;
  for (const Series& series : chart.series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      axes.x.add(series.x[i]);
      if (drawable(series.y[i])) axes.y.add(series.y[i]);
    }
  }
  if (axes.y.empty()) return axes;
  widen_if_flat(axes.x, 1);
  const Range values = axes.y;
  widen_if_flat(axes.y, chart.percent ? 0.05 : std::max(std::abs(axes.y.low) * 0.1, 1e-6));
  if (chart.percent) {  // no room for percentages that cannot be
    axes.y.low = std::max(axes.y.low, std::min(values.low, 0.0));
    axes.y.high = std::min(axes.y.high, std::max(values.high, 1.0));
  }
  axes.x_ticks = nice_ticks(axes.x.low, axes.x.high, 8, chart.whole_steps);
  axes.y_ticks = nice_ticks(axes.y.low, axes.y.high, 5);
  axes.y = {axes.y_ticks.values.front(), axes.y_ticks.values.back()};
  return axes;
}

std::string tick_label(double value, double step, bool percent) {
  if (percent) {
    value *= 100;
    step *= 100;
  }
  const double digits = -std::floor(std::log10(step) + 1e-9);
  const bool plain = digits <= 4 && std::abs(value) < 1e7;
  std::string text = plain ? fmt::format("{:.{}f}", value, std::max(0, static_cast<int>(digits)))
                           : fmt::format("{:.3g}", value);
  return percent ? text + "%" : text;
}

std::string path_data(const Series& series, const Axes& axes) {
  std::string d;
  bool pen_down = false;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (drawable(series.y[i])) {
      fmt::format_to(std::back_inserter(d), "{}{:.1f} {:.1f}", pen_down ? 'L' : 'M', axes.x_at(series.x[i]),
                     axes.y_at(series.y[i]));
    }
    pen_down = drawable(series.y[i]);
  }
  return d;
}

void draw_axes(std::string& svg, const Chart& chart, const Axes& axes) {
  auto out = std::back_inserter(svg);
  for (double value : axes.y_ticks.values) {
    const double y = axes.y_at(value);
    fmt::format_to(out, R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", left, right, y, y);
    fmt::format_to(out, R"(<text class="tick" x="{}" y="{:.1f}" dy="0.35em" text-anchor="end">{}</text>)",
                   left - 8, y, tick_label(value, axes.y_ticks.step, chart.percent));
  }
  for (double value : axes.x_ticks.values) {
    if (value < axes.x.low || value > axes.x.high) continue;
    fmt::format_to(out, R"(<text class="tick" x="{:.1f}" y="{}" dy="1.4em" text-anchor="middle">{}</text>)",
                   axes.x_at(value), bottom, tick_label(value, axes.x_ticks.step, false));
  }
  fmt::format_to(out, R"(<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>)", left, right, bottom, bottom);
  fmt::format_to(out, R"(<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>)", right, height - 4,
                 escape_html(chart.x_label));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

Ticks nice_ticks(double low, double high, int count, bool whole) {
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  Ticks ticks;
  ticks.step = 10 * power;
  for (double factor : {5, 2, 1}) {
    if (factor * power >= raw * (1 - 1e-9)) ticks.step = factor * power;
  }
  if (whole) ticks.step = std::max(1.0, ticks.step);
  // Multiples of the step instead of repeated addition, and no tick beyond an end that is a multiple itself.
  const double first = std::floor(low / ticks.step + 1e-9), last = std::ceil(high / ticks.step - 1e-9);
  for (double i = first; i <= last; ++i) ticks.values.push_back(i * ticks.step);
  return ticks;
}

Series thin_out(const std::vector<double>& values, std::size_t limit) {
  Series out;
  const auto add = [&](std::size_t i) {
    out.x.push_back(static_cast<double>(i + 1));
    out.y.push_back(values[i]);
  };
  if (values.size() <= limit) {
    for (std::size_t i = 0; i < values.size(); ++i) add(i);
    return out;
  }
  const std::size_t stretches = limit / 2;
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * values.size() / stretches, end = (s + 1) * values.size() / stretches;
    std::size_t lowest = begin, highest = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (!drawable(values[i])) continue;
      if (!(drawable(values[lowest]) && values[lowest] <= values[i])) lowest = i;
      if (!(drawable(values[highest]) && values[highest] >= values[i])) highest = i;
    }
    add(std::min(lowest, highest));
    if (lowest != highest) add(std::max(lowest, highest));
  }
  return out;
}

Series moving_average(const std::vector<double>& values, std::size_t window, std::size_t limit) {
  Series out;
  const std::size_t count = std::min(values.size(), limit);
  for (std::size_t p = 0; p < count; ++p) {
    const std::size_t middle = count == 1 ? 0 : p * (values.size() - 1) / (count - 1);
    const std::size_t begin = middle - std::min(middle, window / 2);
    const std::size_t end = std::min(values.size(), middle + window / 2 + 1);
    double sum = 0;
    std::size_t used = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (!drawable(values[i])) continue;
      sum += values[i];
      ++used;
    }
    out.x.push_back(static_cast<double>(middle + 1));
    out.y.push_back(used ? sum / static_cast<double>(used) : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

std::string render_svg(const Chart& chart) {
  const Axes axes = make_axes(chart);
  if (axes.y.empty()) return R"(<p class="none">There is no finite value to draw.</p>)";
  std::string svg = fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc">)"
                                R"(<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>)",
                                width, height, chart.id, chart.id, chart.id, escape_html(chart.title),
                                chart.id, escape_html(chart.description));
  draw_axes(svg, chart, axes);
  auto out = std::back_inserter(svg);
  for (const Series& series : chart.series) {
    fmt::format_to(out, R"(<path class="line {}" d="{}"/>)", series.style, path_data(series, axes));
    for (std::size_t i = 0; series.markers && i < series.x.size(); ++i) {
      if (!drawable(series.y[i])) continue;
      fmt::format_to(out, R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>)", series.style,
                     axes.x_at(series.x[i]), axes.y_at(series.y[i]));
    }
  }
  return svg + "</svg>";
}

nlohmann::json tooltip_data(const Chart& chart) {
  const Axes axes = make_axes(chart);
  nlohmann::json data = {{"id", chart.id},
                         {"percent", chart.percent},
                         {"x_label", chart.x_label},
                         {"width", width},
                         {"plot", {left, top, right, bottom}},
                         {"range", {axes.x.low, axes.x.high, axes.y.low, axes.y.high}},
                         {"series", nlohmann::json::array()}};
  if (axes.y.empty()) data["range"] = nullptr;
  for (const Series& series : chart.series) {
    if (!series.in_tooltip) continue;
    nlohmann::json values = nlohmann::json::array();
    for (double y : series.y) values.push_back(drawable(y) ? nlohmann::json(y) : nlohmann::json(nullptr));
    data["series"].push_back(
        {{"name", series.name}, {"style", series.style}, {"x", series.x}, {"y", values}});
  }
  return data;
}

}  // namespace demo
