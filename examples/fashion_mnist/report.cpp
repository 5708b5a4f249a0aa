#include "report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "report_chart.h"
#include "report_curves.h"
#include "report_format.h"
#include "report_page.h"
#include "report_png.h"
#include "report_scores.h"

namespace demo {
namespace {

std::string share_bar(double share) {
  return fmt::format(R"(<span class="share" style="--p:{:.1f}%" aria-hidden="true"></span>)",
                     100 * std::clamp(share, 0.0, 1.0));
}

// The epoch with the best test accuracy, NaN counted as worst.
const Report::Epoch* best_epoch(const Report& report) {
  const Report::Epoch* best = nullptr;
  for (const Report::Epoch& epoch : report.epochs) {
    if (std::isfinite(epoch.test_accuracy) && (!best || epoch.test_accuracy > best->test_accuracy))
      best = &epoch;
  }
  return best;
}

class Page {
 public:
  explicit Page(const Report& report) : report_(report), scores_(class_scores(report)) {}

  std::string render() {
    head();
    facts();
    curves();
    confusion();
    classes();
    mistakes();
    model();
    foot();
    return std::move(html_);
  }

 private:
  // Appends; the arguments must be escaped already.
  template <class... Args> void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(html_), format, std::forward<Args>(args)...);
  }

  void open_section(std::string_view id, std::string_view heading) {
    add("\n<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n", id, heading);
  }
  void close_section() { html_ += "\n</section>\n"; }
  void none(std::string_view sentence) { add("<p class=\"none\">{}</p>", sentence); }

  std::string name(int index) const { return escape_html(class_name(report_, index)); }

  void head() {
    const std::string title = escape_html(report_.title);
    html_ += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html_ += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html_ +=
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; "
        "script-src 'unsafe-inline'; img-src data:\">\n";
    add("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n", title, page_style);
    add("<header>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n", title, summary());
    tiles();
    html_ += "</header>\n";
  }

  // The result in a sentence or two.
  std::string summary() const {
    if (report_.epochs.empty()) return "No epoch was trained.";
    const Report::Epoch& last = report_.epochs.back();
    const std::size_t count = report_.epochs.size();
    std::string text = fmt::format("{} of the test images recognised after {} epoch{}.",
                                   percent(last.test_accuracy), count, count == 1 ? "" : "s");
    if (!std::isfinite(last.test_accuracy) || !std::isfinite(last.train_loss))
      text = "The training diverged: its last figures are not finite.";
    const auto hardest = std::max_element(scores_.begin(), scores_.end(), [](const auto& a, const auto& b) {
      return a.rival_count < b.rival_count;
    });
    if (hardest != scores_.end() && hardest->rival_count > 0) {
      text += fmt::format(" The commonest mistake is {} taken for {}, {}.",
                          name(static_cast<int>(hardest - scores_.begin())), name(hardest->rival),
                          hardest->rival_count == 1 ? "once" : grouped(hardest->rival_count) + " times");
    }
    return text;
  }

  void tile(std::string_view label, std::string_view value, std::string_view remark = "") {
    add("<div><dt>{}</dt><dd>{}", label, value);
    if (!remark.empty()) add("<small>{}</small>", remark);
    html_ += "</dd></div>\n";
  }

  void tiles() {
    html_ += "<dl class=\"tiles\">\n";
    if (!report_.epochs.empty()) {
      const Report::Epoch& last = report_.epochs.back();
      tile("Test accuracy", percent(last.test_accuracy, 2));
      if (const Report::Epoch* best = best_epoch(report_)) {
        tile("Best test accuracy", percent(best->test_accuracy, 2), fmt::format("epoch {}", best->epoch));
      }
      tile("Test loss", loss_figure(last.test_loss), fmt::format("train {}", loss_figure(last.train_loss)));
      double seconds = 0;
      for (const Report::Epoch& epoch : report_.epochs) seconds += epoch.seconds;
      const double each = seconds / static_cast<double>(report_.epochs.size());
      tile("Time", duration(seconds), fmt::format("{} an epoch", duration(each)));
    }
    tile("Parameters", grouped(report_.model.parameters));
    html_ += "</dl>\n";
  }

  void facts() {
    if (report_.facts.empty()) return;
    open_section("facts", "The run");
    html_ += "<dl class=\"facts\">\n";
    for (const auto& [key, value] : report_.facts) {
      add("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(key), escape_html(value));
    }
    html_ += "</dl>";
    close_section();
  }

  void figure_of(const Chart& chart) {
    add("<figure id=\"{}\">\n<figcaption><b>{}</b>", chart.id, escape_html(chart.title));
    for (const Series& series : chart.series) {
      if (chart.series.size() == 1) break;  // the title says it
      add("<span class=\"key {}\">{}</span>", series.style, escape_html(series.name));
    }
    if (!chart.remark.empty()) add("<span class=\"remark\">{}</span>", escape_html(chart.remark));
    add("</figcaption>\n{}\n</figure>\n", render_svg(chart));
    chart_data_.push_back(tooltip_data(chart));
  }

  void curves() {
    open_section("curves", "Learning curves");
    const std::vector<Chart> charts = learning_curves(report_);
    if (charts.empty()) none("No epoch was trained, so there is nothing to draw.");
    html_ += "<div class=\"charts\">\n";
    for (const Chart& chart : charts) figure_of(chart);
    html_ += "</div>\n";
    if (!report_.epochs.empty()) epoch_table();
    close_section();
  }

  void epoch_table() {
    html_ +=
        "<details class=\"fold\"><summary>Figures of every epoch</summary>\n"
        "<div class=\"scroll\" role=\"region\" aria-label=\"Figures of every epoch\" tabindex=\"0\">"
        "<table class=\"list\">\n<thead><tr>";
    for (std::string_view column :
         {"Epoch", "Train loss", "Train accuracy", "Test loss", "Test accuracy", "Learning rate", "Time"}) {
      add("<th scope=\"col\">{}</th>", column);
    }
    html_ += "</tr></thead>\n<tbody>\n";
    for (const Report::Epoch& e : report_.epochs) {
      add("<tr><th "
          "scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
          e.epoch, loss_figure(e.train_loss), percent(e.train_accuracy, 2), loss_figure(e.test_loss),
          percent(e.test_accuracy, 2), figure(e.learning_rate), duration(e.seconds));
    }
    html_ += "</tbody></table></div></details>";
  }

  void confusion() {
    open_section("confusion", "Confusion matrix");
    if (report_.confusion.empty()) {
      none("No test images were counted.");
      return close_section();
    }
    html_ +=
        "<p class=\"note\">Rows are the true classes, columns what the model said. Each cell: test images, "
        "and "
        "their share of the row. Blue was right, orange was wrong.</p>\n"
        "<div class=\"scroll matrix-wrap\" role=\"region\" aria-label=\"Confusion matrix\" tabindex=\"0\">"
        "<table class=\"matrix\">\n<thead><tr><th scope=\"col\">truth \\ said</th>";
    const std::size_t count = scores_.size();
    for (std::size_t i = 0; i < count; ++i) add("<th scope=\"col\">{}</th>", name(static_cast<int>(i)));
    html_ += "</tr></thead>\n<tbody>\n";
    for (std::size_t truth = 0; truth < count; ++truth) {
      add("<tr><th scope=\"row\">{}</th>", name(static_cast<int>(truth)));
      for (std::size_t predicted = 0; predicted < count; ++predicted) matrix_cell(truth, predicted);
      html_ += "</tr>\n";
    }
    html_ += "</tbody></table></div>";
    close_section();
  }

  void matrix_cell(std::size_t truth, std::size_t predicted) {
    const std::int64_t n = confused(report_, truth, predicted);
    const double row = static_cast<double>(scores_[truth].support);
    const double share = row > 0 ? static_cast<double>(n) / row : 0;
    // Mistakes are rare in a row; the square root makes them visible.
    const double strength = truth == predicted ? share : std::sqrt(share);
    add("<td class=\"{}\" style=\"--p:{:.3f}\">{}<small>{}</small></td>",
        n > 0 && truth == predicted ? "hit"
        : n == 0                    ? "zero"
                                    : "miss",
        strength, grouped(n), n == 0 ? "" : percent(share));
  }

  void classes() {
    open_section("classes", "Classes");
    if (scores_.empty()) {
      none("There are no classes.");
      return close_section();
    }
    html_ +=
        "<p class=\"note\">Precision: how often it was right when the model said this class. Recall: how "
        "many of "
        "the class it found. F1: the harmonic mean of the two.</p>\n"
        "<div class=\"scroll\" role=\"region\" aria-label=\"Scores of each class\" tabindex=\"0\">"
        "<table class=\"list\">\n<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Precision</th>"
        "<th scope=\"col\">Recall</th><th scope=\"col\">F1</th><th scope=\"col\">Images</th>"
        "<th scope=\"col\" class=\"text\">Most often taken for</th></tr></thead>\n<tbody>\n";
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const ClassScores& s = scores_[i];
      add("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}{}</td><td>{}</td><td "
          "class=\"text\">{}</td></tr>\n",
          name(static_cast<int>(i)), percent(s.precision), percent(s.recall), percent(s.f1),
          share_bar(s.f1.value_or(0)), grouped(s.support),
          s.rival < 0 ? "–" : fmt::format("{} ({})", name(s.rival), grouped(s.rival_count)));
    }
    html_ += "</tbody></table></div>";
    close_section();
  }

  void mistakes() {
    open_section("mistakes", "Worst mistakes");
    if (report_.mistakes.empty()) {
      none("There is no mistake to show.");
      return close_section();
    }
    html_ +=
        "<p class=\"note\">Test images that the model got wrong, the most confident first.</p>\n<ul "
        "class=\"mistakes\">\n";
    for (const Report::Mistake& m : report_.mistakes) {
      const std::string truth = name(m.truth), said = name(m.predicted);
      add("<li><img src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{} taken for {}\">"
          "<span class=\"said\">{} {}</span><span class=\"truth\">is {}</span></li>\n",
          png_data_uri(m.pixels, m.width, m.height), m.width, m.height, truth, said, said,
          percent(m.confidence), truth);
    }
    html_ += "</ul>";
    close_section();
  }

  void model() {
    open_section("model", "Model");
    if (report_.model.type.empty() && report_.model.children.empty()) {
      none("No model was described.");
      return close_section();
    }
    html_ +=
        "<p class=\"note\">Modules with their parameters, and their share of all.</p>\n<ul class=\"tree\">\n";
    node(report_.model, 0);
    html_ += "</ul>\n";
    if (!report_.model_text.empty()) {
      add("<details class=\"fold\"><summary>As the program prints it</summary><pre>{}</pre></details>",
          escape_html(report_.model_text));
    }
    close_section();
  }

  void node(const Report::Node& n, int depth) {
    const bool inner = !n.children.empty();
    html_ += "<li>";
    if (inner) add("<details{}>", depth < 2 ? " open" : "");
    add("<{} class=\"row\"><span class=\"what\">", inner ? "summary" : "div");
    if (!n.name.empty()) add("{} ", escape_html(n.name));
    add("<span class=\"type\">{}</span> <span class=\"detail\">{}</span></span>", escape_html(n.type),
        escape_html(n.detail));
    const auto total = static_cast<double>(report_.model.parameters);
    const double share = total > 0 ? static_cast<double>(n.parameters) / total : 0;
    add("{}<span class=\"count\">{}</span><span class=\"part\">{}</span></{}>", share_bar(share),
        grouped(n.parameters), percent(share), inner ? "summary" : "div");
    if (inner) {
      html_ += "<ul>\n";
      for (const Report::Node& child : n.children) node(child, depth + 1);
      html_ += "</ul></details>";
    }
    html_ += "</li>\n";
  }

  void foot() {
    // In a script, only `<` could end the element early; JSON has an escape for it.
    std::string data = chart_data_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    for (std::size_t at = data.find('<'); at != data.npos; at = data.find('<', at))
      data.replace(at, 1, "\\u003c");
    add("</main>\n<script type=\"application/json\" "
        "id=\"chart-data\">{}</script>\n<script>{}</script>\n</body>\n</html>\n",
        data, page_script);
  }

  const Report& report_;
  std::vector<ClassScores> scores_;
  nlohmann::json chart_data_ = nlohmann::json::array();
  std::string html_;
};

}  // namespace

std::string render_html(const Report& report) { return Page(report).render(); }

}  // namespace demo
