// The command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace demo {

struct Options {
  int epochs = 3;
  std::int64_t batch_size = 64;
  double lr = 1e-3;
  std::uint64_t seed = 1;
  int threads = 0;  // 0: one per core
  std::string data = "fashion-mnist";
  std::filesystem::path out = "out";
  bool resume = false;
  std::string program;          // as it was called
  std::set<std::string> given;  // which of the above stood on the command line
};

// Reads the command line. Prints help or the one line that says what is wrong, and returns the exit status,
// when the program should end.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace demo
