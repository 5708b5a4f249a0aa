#include <cstdio>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/train/progress.h>

namespace mica::train {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A log: a file that is no terminal.
class Log {
 public:
  Log() : file_(std::tmpfile()) {}
  ~Log() { std::fclose(file_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    std::rewind(file_);
    std::string out;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) out += static_cast<char>(c);
    return out;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    std::string rest = text();
    EXPECT_THAT(rest, EndsWith("\n"));
    for (std::size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      out.push_back(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
    return out;
  }

 private:
  std::FILE* file_;
};

TEST(Progress, WritesAtMostElevenPlainLinesIntoALog) {
  Log log;
  {
    Progress progress("epoch 1/3", 60'000, "images", 0, log.file());
    for (int done = 0; done <= 60'000; done += 64) progress.update(done, "loss 0.5");
    progress.update(60'000, "loss 0.25");
    progress.finish();
  }
  const auto lines = log.lines();
  EXPECT_GE(lines.size(), 10U);
  EXPECT_LE(lines.size(), 11U);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, StartsWith("epoch 1/3"));
    EXPECT_THAT(line, HasSubstr("images/s"));
    EXPECT_EQ(line.find_first_of("\r\x1b"), line.npos) << "control characters in a log";
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
  }
  EXPECT_THAT(lines.front(), HasSubstr(" 10 %"));
  EXPECT_THAT(lines.back(), testing::AllOf(HasSubstr("100 %"), HasSubstr("loss 0.25")));
  EXPECT_THAT(lines.front(), HasSubstr("ETA"));
  EXPECT_EQ(lines.back().find("ETA"), std::string::npos);
}

TEST(Progress, DrawsTheLastStateOnceWhenAllIsDone) {
  Log log;
  Progress progress("run", 4, "steps", 0, log.file());
  for (int done = 1; done <= 4; ++done) progress.update(done, "");
  progress.finish();
  const auto lines = log.lines();
  EXPECT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines.back(), HasSubstr("100 %"));
}

TEST(Progress, ShowsWhereALoopEndedEarly) {
  Log log;
  Progress progress("run", 100, "steps", 0, log.file());
  progress.update(37, "stopped");
  progress.update(38, "stopped");
  progress.finish();
  EXPECT_THAT(log.lines().back(), testing::AllOf(HasSubstr("38 %"), HasSubstr("stopped")));
}

TEST(Progress, CountsWhatWasDoneBeforeForTheShareButNotForTheSpeed) {
  Log log;
  Progress progress("run", 1000, "steps", 900, log.file());
  EXPECT_EQ(progress.per_second(), 0);
  progress.update(900, "");
  EXPECT_EQ(progress.per_second(), 0);
  progress.update(1000, "");
  EXPECT_LT(progress.per_second() * progress.seconds(), 200);
  progress.finish();
  EXPECT_THAT(log.lines().back(), HasSubstr("100 %"));
}

TEST(Progress, SaysNothingAboutALoopOfNothing) {
  Log log;
  Progress progress("none", 0, "steps", 0, log.file());
  progress.update(0, "");
  progress.finish();
  EXPECT_EQ(log.text(), "");
}

TEST(HumanTime, ReadsAsPeopleSayIt) {
  EXPECT_EQ(human_time(0), "0 s");
  EXPECT_EQ(human_time(0.4), "0 s");
  EXPECT_EQ(human_time(45.2), "45 s");
  EXPECT_EQ(human_time(59.7), "1 min 00 s");
  EXPECT_EQ(human_time(200), "3 min 20 s");
  EXPECT_EQ(human_time(3599.6), "1 h 00 min");
  EXPECT_EQ(human_time(7500), "2 h 05 min");
  EXPECT_EQ(human_time(-3), "0 s");
  EXPECT_EQ(human_time(1e300), "277777 h 46 min");
}

}  // namespace
}  // namespace mica::train
