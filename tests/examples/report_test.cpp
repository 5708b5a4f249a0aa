#include "examples/fashion_mnist/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "examples/fashion_mnist/report_chart.h"
#include "examples/fashion_mnist/report_png.h"
#include "examples/fashion_mnist/report_scores.h"

namespace {

using demo::Report;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Report sample() {
  Report report;
  report.title = "A run";
  report.facts = {{"Dataset", "60,000 images"}, {"Seed", "1"}};
  for (int e = 1; e <= 3; ++e)
    report.epochs.push_back({e, 1.0 / e, 0.5 + 0.1 * e, 1.1 / e, 0.4 + 0.1 * e, 0.001, 2.5});
  report.step_losses = {2.0, 1.5, 1.0, 0.5};
  report.class_names = {"Shirt", "Coat", "Bag"};
  report.confusion = {{8, 2, 0}, {1, 9, 0}, {0, 1, 4}};
  report.mistakes = {{{0, 255, 128, 64}, 2, 2, 0, 1, 0.97}};
  report.model = {"", "Net", "", 1110, {{"fc", "Linear", "in_features=110, out_features=10", 1110, {}}}};
  report.model_text = "Net(\n  (fc): Linear()\n)";
  return report;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

nlohmann::json chart_data(const std::string& page) {
  constexpr std::string_view opening = R"(id="chart-data">)";
  const std::size_t begin = page.find(opening) + opening.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(ReportPage, HasASectionForEachPartOfTheRun) {
  const std::string page = demo::render_html(sample());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  for (std::string_view id : {"facts", "curves", "confusion", "classes", "mistakes", "model"}) {
    EXPECT_EQ(count(page, "<h2 id=\"" + std::string(id) + "\">"), 1U) << id;
  }
  EXPECT_EQ(count(page, "<svg "), 4U);
  EXPECT_EQ(count(page, "<svg "), count(page, "<title id="));
  EXPECT_EQ(count(page, "<small>"), count(page, "</small>"));
  EXPECT_TRUE(has(page, ">1,110<"));
  EXPECT_TRUE(has(page, "70.0% of the test images recognised after 3 epochs."));
  EXPECT_TRUE(has(page, "The commonest mistake is Shirt taken for Coat, 2 times."));
  EXPECT_EQ(count(page, "<td class=\"hit\""), 3U);
  EXPECT_EQ(count(page, "<td class=\"miss\""), 3U);
  EXPECT_EQ(count(page, "<td class=\"zero\""), 3U);
  EXPECT_TRUE(has(page, "alt=\"Shirt taken for Coat\""));
}

TEST(ReportPage, ClosesEveryElementItOpens) {
  const std::string page = demo::render_html(sample());
  for (std::string_view tag :
       {"section", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "details", "summary", "figure",
        "figcaption", "svg", "dl", "div", "span", "script", "main"}) {
    const std::string name(tag);
    EXPECT_EQ(count(page, "<" + name + ">") + count(page, "<" + name + " "), count(page, "</" + name + ">"))
        << tag;
  }
}

TEST(ReportPage, LoadsNothingFromElsewhere) {
  const std::string page = demo::render_html(sample());
  EXPECT_TRUE(has(page, "default-src 'none'"));
  EXPECT_FALSE(has(page, "src=\"http"));
  EXPECT_FALSE(has(page, "href="));
  EXPECT_FALSE(has(page, "url("));
  EXPECT_FALSE(has(page, "@import"));
}

TEST(ReportPage, EscapesEveryTextOfTheRun) {
  const std::string evil = "</script><img src=x onerror='a'>\"&";
  Report report = sample();
  const std::size_t scripts = count(demo::render_html(report), "<script");
  report.title = report.facts[0].first = report.facts[0].second = report.model_text = evil;
  report.class_names[0] = report.class_names[1] = evil;
  report.model.name = report.model.type = report.model.detail = report.model.children[0].name = evil;
  const std::string page = demo::render_html(report);
  EXPECT_FALSE(has(page, "<img src=x"));
  EXPECT_EQ(count(page, "<script"), scripts);
  EXPECT_EQ(count(page, "</script>"), scripts);
  const std::string escaped = "&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39;&gt;&quot;&amp;";
  EXPECT_GE(count(page, escaped), 15U);
}

TEST(ReportPage, KeepsTheScriptsDataInsideItsElement) {
  demo::Chart chart{.x_label = "</script>", .series = {{.name = "<b>", .x = {1}, .y = {2}}}};
  EXPECT_EQ(demo::tooltip_data(chart)["x_label"], "</script>");
  const nlohmann::json data = chart_data(demo::render_html(sample()));
  ASSERT_EQ(data.size(), 4U);
  EXPECT_EQ(data[0]["id"], "epoch-loss");
  EXPECT_EQ(data[0]["series"][1]["y"].size(), 3U);
}

TEST(ReportPage, SaysWhatIsMissing) {
  const std::string page = demo::render_html(Report{});
  EXPECT_TRUE(has(page, "No epoch was trained."));
  EXPECT_EQ(count(page, "class=\"none\""), 5U);
  EXPECT_EQ(count(page, "<svg"), 0U);
  EXPECT_EQ(chart_data(page).size(), 0U);
}

TEST(ReportPage, DrawsASingleEpochAsAPoint) {
  Report report = sample();
  report.epochs.resize(1);
  const std::string page = demo::render_html(report);
  EXPECT_TRUE(has(page, "after 1 epoch."));
  EXPECT_EQ(count(page, "<circle class=\"dot test\""), 2U);
}

TEST(ReportPage, ShowsLossesThatAreNotFiniteAsGaps) {
  Report report = sample();
  report.epochs[1].train_loss = nan;
  report.epochs[2].test_loss = infinity;
  report.step_losses = {1, nan, 0.5, infinity, 0.25};
  const std::string page = demo::render_html(report);
  EXPECT_TRUE(has(page, "2 of 5 steps are not finite"));
  EXPECT_TRUE(has(page, "<td>NaN</td>"));
  EXPECT_TRUE(has(page, "<td>∞</td>"));
  EXPECT_TRUE(chart_data(page)[0]["series"][0]["y"][1].is_null());
  for (auto& epoch : report.epochs) epoch = {epoch.epoch, nan, nan, nan, nan, nan, nan};
  report.step_losses.assign(7, nan);
  const std::string lost = demo::render_html(report);
  EXPECT_TRUE(has(lost, "The training diverged"));
  EXPECT_EQ(count(lost, "There is no finite value to draw."), 4U);
  EXPECT_FALSE(has(lost, "d=\"Mnan"));
}

TEST(ReportPage, HandlesOneClassAndIncompleteMatrices) {
  Report report = sample();
  report.class_names = {"only"};
  report.confusion = {{5}};
  report.mistakes.clear();
  EXPECT_TRUE(has(demo::render_html(report), "There is no mistake to show."));
  report.confusion = {{1, 2, 3}, {}};
  report.mistakes = {{{}, 3, 1, 7, -1, nan}};
  const std::string page = demo::render_html(report);
  EXPECT_TRUE(has(page, "class 2"));
  EXPECT_TRUE(has(page, "class 7"));
}

TEST(ReportPage, StaysSmallOverManySteps) {
  Report report = sample();
  for (int i = 0; i < 10000; ++i) report.step_losses.push_back(2.0 / (1 + 0.001 * i));
  report.step_losses[7777] = 50;
  const std::string page = demo::render_html(report);
  EXPECT_LT(page.size(), 150'000U);
  const std::string path = page.substr(page.find("class=\"line raw\""));
  const std::size_t lines = count(path.substr(0, path.find("/>")), "L");
  EXPECT_GT(lines, 1000U);
  EXPECT_LT(lines, 2000U);
}

TEST(ThinOut, KeepsTheLowestAndTheHighestValue) {
  std::vector<double> values(5000, 1.0);
  values[1234] = 9;
  values[4321] = -3;
  values[10] = nan;
  const demo::Series thin = demo::thin_out(values, 200);
  EXPECT_LE(thin.y.size(), 200U);
  EXPECT_EQ(std::count(thin.y.begin(), thin.y.end(), 9.0), 1);
  EXPECT_EQ(std::count(thin.y.begin(), thin.y.end(), -3.0), 1);
  EXPECT_TRUE(std::is_sorted(thin.x.begin(), thin.x.end()));
  EXPECT_EQ(demo::thin_out({3, 2}, 200).y, (std::vector<double>{3, 2}));
}

TEST(ThinOut, LeavesAGapWhereNoValueIsFinite) {
  std::vector<double> values(400, 1.0);
  std::fill(values.begin() + 100, values.begin() + 200, nan);
  const demo::Series thin = demo::thin_out(values, 40);
  EXPECT_EQ(std::count_if(thin.y.begin(), thin.y.end(), [](double y) { return std::isnan(y); }), 5);
}

TEST(MovingAverage, LeavesNonFiniteValuesOut) {
  const demo::Series mean = demo::moving_average({1, nan, 3, 100}, 2, 10);
  EXPECT_EQ(mean.x, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_DOUBLE_EQ(mean.y[0], 1);
  EXPECT_DOUBLE_EQ(mean.y[1], 2);
  EXPECT_DOUBLE_EQ(mean.y[2], 51.5);
}

TEST(NiceTicks, AreRoundAndCoverTheRange) {
  const demo::Ticks ticks = demo::nice_ticks(0.23, 0.61, 5);
  EXPECT_DOUBLE_EQ(ticks.step, 0.1);
  EXPECT_DOUBLE_EQ(ticks.values.front(), 0.2);
  EXPECT_DOUBLE_EQ(ticks.values.back(), 0.7);
  EXPECT_EQ(demo::nice_ticks(1, 3, 8, true).values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(demo::nice_ticks(0, 100, 5).values, (std::vector<double>{0, 20, 40, 60, 80, 100}));
}

TEST(Charts, OfNearlyEqualValuesHaveFewTicks) {
  const demo::Chart chart{.id = "c", .series = {{.x = {1, 2}, .y = {1.0, std::nextafter(1.0, 2.0)}}}};
  EXPECT_LT(count(demo::render_svg(chart), "<text"), 20U);
}

TEST(Png, HoldsThePixels) {
  const std::string uri = demo::png_data_uri({10, 20, 30, 40, 50, 60}, 3, 2);
  constexpr std::string_view prefix = "data:image/png;base64,";
  ASSERT_TRUE(uri.starts_with(prefix));
  std::string png;
  unsigned bits = 0;
  int held = 0;
  for (char c : uri.substr(prefix.size())) {
    if (c == '=') break;
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bits = bits << 6 | static_cast<unsigned>(letters.find(c));
    held += 6;
    if (held >= 8) png += static_cast<char>(bits >> (held -= 8) & 0xFF);
  }
  const auto number = [&](std::size_t at) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(png[i]);
    return value;
  };
  ASSERT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(number(16), 3U);
  EXPECT_EQ(number(20), 2U);
  // Each chunk: length, type, data, and the CRC of type and data.
  std::string packed;
  for (std::size_t at = 8; at < png.size(); at += 12 + number(at)) {
    const auto* bytes = reinterpret_cast<const Bytef*>(png.data() + at + 4);
    EXPECT_EQ(crc32(0, bytes, number(at) + 4), number(at + 8 + number(at)));
    if (png.substr(at + 4, 4) == "IDAT") packed = png.substr(at + 8, number(at));
  }
  std::array<unsigned char, 8> rows{};
  uLongf size = rows.size();
  ASSERT_EQ(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()),
            Z_OK);
  EXPECT_EQ(rows, (std::array<unsigned char, 8>{0, 10, 20, 30, 0, 40, 50, 60}));
}

TEST(Png, RefusesAnImageWithoutPixels) { EXPECT_THROW(demo::png_data_uri({}, 0, 2), std::runtime_error); }

TEST(ClassScores, FollowTheirDefinitions) {
  const auto scores = demo::class_scores(sample());
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_DOUBLE_EQ(*scores[1].precision, 9.0 / 12);
  EXPECT_DOUBLE_EQ(*scores[1].recall, 9.0 / 10);
  EXPECT_DOUBLE_EQ(*scores[1].f1, 2 * 0.75 * 0.9 / (0.75 + 0.9));
  EXPECT_EQ(scores[0].support, 10);
  EXPECT_EQ(scores[0].rival, 1);
  EXPECT_EQ(scores[0].rival_count, 2);
}

TEST(ClassScores, AreEmptyWhereNothingWasCounted) {
  Report report;
  report.confusion = {{0, 3}, {0, 0}};
  const auto scores = demo::class_scores(report);
  EXPECT_FALSE(scores[0].precision.has_value());
  EXPECT_FALSE(scores[1].recall.has_value());
  EXPECT_EQ(scores[1].rival, -1);
}

TEST(TextTables, AreAlignedAndAtMostAHundredWideForTenClasses) {
  Report report;
  for (int i = 0; i < 10; ++i) {
    report.class_names.push_back(i % 2 ? "Überwurf mit sehr langem Namen" : "Bag");
    report.confusion.emplace_back(10, 10000 + i);
  }
  std::istringstream lines(demo::text_tables(report));
  const auto width = [](const std::string& line) {
    return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
  };
  std::string line;
  std::vector<std::ptrdiff_t> widths;
  while (std::getline(lines, line)) {
    EXPECT_LE(width(line), 100) << line;
    widths.push_back(width(line));
  }
  ASSERT_EQ(widths.size(), 11U + 1 + 11);
  for (std::size_t i = 12; i < widths.size(); ++i) EXPECT_EQ(widths[i], widths[12]);
}

TEST(TextTables, HoldTheFigures) {
  const std::string text = demo::text_tables(sample());
  EXPECT_TRUE(has(text, "75.0%"));
  EXPECT_TRUE(has(text, "90.0%"));
  EXPECT_TRUE(has(text, "    1    9    .\n"));
  EXPECT_EQ(demo::text_tables(Report{}), "No classes.\n");
}

TEST(TextTables, LetNoControlCharactersThrough) {
  Report report = sample();
  report.class_names[0] = "a\x1b[31m\nb";
  EXPECT_FALSE(has(demo::text_tables(report), "\x1b"));
}

class WriteReport : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "report-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path folder_;
};

TEST_F(WriteReport, ReplacesWhatWasThereAndLeavesNothingElse) {
  const auto path = folder_ / "report.html";
  std::ofstream(path) << "old";
  demo::write_report(sample(), path);
  EXPECT_EQ(read(path), demo::render_html(sample()));
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteReport, NamesThePathAndTheReasonWhenTheFolderIsMissing) {
  const auto path = folder_ / "missing" / "report.html";
  try {
    demo::write_report(sample(), path);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()),
              "report: cannot write " + path.string() + ": No such file or directory");
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(WriteReport, LeavesNothingWhenTheTargetCannotBeReplaced) {
  std::filesystem::create_directory(folder_ / "report.html");
  EXPECT_THROW(demo::write_report(sample(), folder_ / "report.html"), std::runtime_error);
  EXPECT_EQ(files(), 1);
}

TEST_F(WriteReport, LeavesNothingInAFolderThatCannotBeWritten) {
  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  // The superuser may write everywhere, so be somebody else meanwhile.
  const uid_t user = geteuid();
  if (user == 0 && seteuid(65534) != 0) GTEST_SKIP() << "cannot give up the superuser's rights";
  EXPECT_THROW(demo::write_report(sample(), folder_ / "report.html"), std::runtime_error);
  EXPECT_EQ(seteuid(user), 0);
  EXPECT_EQ(files(), 0);
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
}

TEST_F(WriteReport, KeepsTheOldPageWhenTheDiskRunsFull) {
  const auto path = folder_ / "report.html";
  std::ofstream(path) << "old";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(demo::write_report(sample(), path), std::runtime_error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(files(), 1);
}

}  // namespace
