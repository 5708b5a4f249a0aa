#include "report_curves.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "report_format.h"

namespace demo {
namespace {

constexpr std::size_t max_points = 2000, max_smooth_points = 400, max_markers = 40;

using Column = double Report::Epoch::*;

Series over_epochs(const Report& report, std::string name, std::string style, Column column) {
  Series series{.name = std::move(name), .style = std::move(style)};
  for (const Report::Epoch& epoch : report.epochs) {
    series.x.push_back(epoch.epoch);
    series.y.push_back(epoch.*column);
  }
  series.markers = report.epochs.size() <= max_markers;
  return series;
}

// "train from 0.61 to 0.26, test from 0.45 to 0.3"
std::string ends(const Chart& chart) {
  const auto written = [&](double value) { return chart.percent ? percent(value, 2) : figure(value); };
  std::string text;
  for (const Series& series : chart.series) {
    text += fmt::format("{}{} from {} to {}", text.empty() ? "" : ", ", series.name,
                        written(series.y.front()), written(series.y.back()));
  }
  return text;
}

Chart epoch_chart(std::string id, std::string title, bool in_percent, std::vector<Series> series) {
  Chart chart{.id = std::move(id),
              .title = std::move(title),
              .x_label = "Epoch",
              .percent = in_percent,
              .series = std::move(series)};
  chart.description = fmt::format("Over {} epochs: {}.", chart.series.front().x.size(), ends(chart));
  return chart;
}

Chart step_chart(const std::vector<double>& losses) {
  const auto count = static_cast<std::int64_t>(losses.size());
  const std::size_t window = std::max<std::size_t>(1, losses.size() / 50);
  Series raw = thin_out(losses, max_points);
  raw.name = "each step";
  raw.style = "raw";
  raw.markers = losses.size() == 1;
  raw.in_tooltip = false;
  Series smooth = moving_average(losses, window, max_smooth_points);
  smooth.name = fmt::format("mean of {}", window);
  smooth.style = "train";
  Chart chart{
      .id = "step-loss",
      .title = "Loss of every step",
      .description = fmt::format("{} steps, each on its own and as a moving average.", grouped(count)),
      .x_label = "Step",
      .series = {std::move(raw), std::move(smooth)}};
  const auto lost =
      std::count_if(losses.begin(), losses.end(), [](double loss) { return !std::isfinite(loss); });
  if (lost > 0) chart.remark = fmt::format("{} of {} steps are not finite", grouped(lost), grouped(count));
  return chart;
}

}  // namespace

std::vector<Chart> learning_curves(const Report& report) {
  using Epoch = Report::Epoch;
  std::vector<Chart> charts;
  if (!report.epochs.empty()) {
    charts.push_back(epoch_chart("epoch-loss", "Loss", false,
                                 {over_epochs(report, "train", "train", &Epoch::train_loss),
                                  over_epochs(report, "test", "test", &Epoch::test_loss)}));
    charts.push_back(epoch_chart("epoch-accuracy", "Accuracy", true,
                                 {over_epochs(report, "train", "train", &Epoch::train_accuracy),
                                  over_epochs(report, "test", "test", &Epoch::test_accuracy)}));
  }
  if (!report.step_losses.empty()) charts.push_back(step_chart(report.step_losses));
  if (!report.epochs.empty()) {
    charts.push_back(epoch_chart("epoch-rate", "Learning rate", false,
                                 {over_epochs(report, "learning rate", "rate", &Epoch::learning_rate)}));
  }
  return charts;
}

}  // namespace demo
