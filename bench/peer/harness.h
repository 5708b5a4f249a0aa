// Runs one workload of a list and prints what it took, as one line of JSON. The programs of mica/ and
// libtorch/ share it, so that both are measured alike; it knows neither library (C++17).
//
//   peer_mica --list
//   peer_mica NAME [--threads N] [--seconds S] [--channels-last]
//
// The line: {"name", "values": numbers that both libraries must agree on, "seconds": median of one step,
// "faults": page faults per step, "peak": bytes the process grew by from before the workload was made, at
// most; with the pages of libraries that it came to use}.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace peer {

struct Settings {
  int threads = 2;
  double seconds = 1;  // to measure for, at least
  bool channels_last =
      false;  // images and convolution weights in this order, where the library leaves the choice
};

// What is timed, and a number that tells whether it was right.
struct Step {
  std::function<void()> run;
  std::function<double()> value;  // after a run: a loss, or a sum over the result
};

struct Workload {
  std::string name;
  std::function<Step(const Settings&)> make;
};
using Workloads = std::vector<Workload>;

// Bytes, from /proc/self/status: "VmRSS" now, "VmHWM" at most.
inline double memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return 1024 * std::atof(line.c_str() + field.size() + 1);
  }
  return 0;
}

inline long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Steps are run in groups of at least a millisecond, so that reading the clock does not count.
inline void measure(const Workload& workload, const Settings& settings) {
  const double before = memory("VmRSS");
  const Step step = workload.make(settings);
  std::string values;
  std::vector<double> samples;
  long faults = 0;
  for (int i = 0; i < 3; ++i) {
    faults = page_faults();
    const double begin = now();
    step.run();
    samples = {now() - begin};
    char text[40];
    std::snprintf(text, sizeof text, "%s%.9g", i == 0 ? "" : ", ", step.value());
    values += text;
    if (samples[0] > 5) break;  // once has to do
  }
  int group = 1;
  if (samples[0] < 1.5) {  // of longer steps the last one is the measurement
    for (const double start = now(); now() - start < 0.3;) {  // warm up, and find how many make a millisecond
      const double begin = now();
      for (int i = 0; i < group; ++i) step.run();
      if (now() - begin < 1e-3) group *= 2;
    }
    samples.clear();
    faults = page_faults();
    for (const double start = now(); now() - start < settings.seconds || samples.size() < 3;) {
      const double begin = now();
      for (int i = 0; i < group; ++i) step.run();
      samples.push_back((now() - begin) / group);
    }
  }
  const double steps = static_cast<double>(samples.size()) * group;
  const double per_step = static_cast<double>(page_faults() - faults) / steps;
  std::nth_element(samples.begin(), samples.begin() + static_cast<long>(samples.size() / 2), samples.end());
  std::printf("{\"name\": \"%s\", \"values\": [%s], \"seconds\": %.9g, \"faults\": %.3g, \"peak\": %.0f}\n",
              workload.name.c_str(), values.c_str(), samples[samples.size() / 2], per_step,
              memory("VmHWM") - before);
}

inline int main_of(int argc, char** argv, const Workloads& workloads,
                   const std::function<void(const Settings&)>& prepare) {
  Settings settings;
  std::string name;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--list") {
      for (const Workload& w : workloads) std::puts(w.name.c_str());
      return 0;
    }
    if (argument == "--threads" && i + 1 < argc)
      settings.threads = std::atoi(argv[++i]);
    else if (argument == "--seconds" && i + 1 < argc)
      settings.seconds = std::atof(argv[++i]);
    else if (argument == "--channels-last")
      settings.channels_last = true;
    else
      name = argument;
  }
  const auto found =
      std::find_if(workloads.begin(), workloads.end(), [&](const Workload& w) { return w.name == name; });
  if (found == workloads.end()) {
    std::fprintf(stderr, "%s: no workload \"%s\"; --list shows them\n", argv[0], name.c_str());
    return 2;
  }
  prepare(settings);
  measure(*found, settings);
  return 0;
}

}  // namespace peer
