// Progress of a long loop on a terminal, or in a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace mica::train {

// A bar that redraws its line on a terminal; elsewhere a plain line now and then.
//   Progress bar{"epoch 1/3", 60000, "images"};
//   bar.update(done, "loss 0.312  accuracy 89.1 %");
//   bar.finish();
class Progress {
 public:
  // `already`: items done before this run (resumed); they count for the bar, not for the speed.
  Progress(std::string label, std::int64_t total, std::string unit, std::int64_t already = 0,
           std::FILE* out = stdout);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap: draws at most ten times a second (in a log: every tenth of the total).
  void update(std::int64_t done, std::string_view status);
  // Draws the last state and ends the line.
  void finish();

  double seconds() const;
  double per_second() const;

 private:
  std::string line() const;
  void draw();
  std::string label_, unit_, status_;
  std::int64_t total_, already_, done_;
  std::FILE* out_;
  bool terminal_;
  bool open_ = false;  // a line that has not been ended
  std::int64_t next_tenth_ = 1;
  std::chrono::steady_clock::time_point start_, last_draw_;
};

// "45 s", "3 min 20 s", "2 h 05 min".
std::string human_time(double seconds);

}  // namespace mica::train
