// Line charts as inline SVG.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace demo {

// Points from left to right. Values that are not finite leave a gap in the line and widen no axis but x.
struct Series {
  std::string name{};
  std::string style{};  // the CSS class that gives the colour
  std::vector<double> x{}, y{};
  bool markers = false;
  bool in_tooltip = true;
};

struct Chart {
  std::string id{};     // unique on the page
  std::string title{};  // read out with the picture, as is the description
  std::string description{};
  std::string remark{};  // shown beside the title
  std::string x_label{};
  bool percent = false;     // y from 0 to 1, written as percentages
  bool whole_steps = true;  // no ticks between whole numbers of x
  std::vector<Series> series{};
};

// The <svg> element with axes, ticks and one path per series. Without a finite value it says so instead.
std::string render_svg(const Chart& chart);

// What the page's script needs to show values under the pointer.
nlohmann::json tooltip_data(const Chart& chart);

// Positions of at most `count` + 1 round numbers that cover [low, high]: multiples of 1, 2 or 5 times a power
// of ten.
struct Ticks {
  double step = 1;
  std::vector<double> values;
};
Ticks nice_ticks(double low, double high, int count, bool whole = false);

// At most `limit` points of a long series that keep its outline: the lowest and the highest value of each
// stretch.
Series thin_out(const std::vector<double>& values, std::size_t limit);

// The mean over a window around each of at most `limit` points, non-finite values left out.
Series moving_average(const std::vector<double>& values, std::size_t window, std::size_t limit);

// & < > " ' as entities: safe in text and in quoted attributes.
std::string escape_html(std::string_view text);

}  // namespace demo
