// What the headers of a folder declare, for tests that nothing was left out.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace mica::golden {

// The text of all headers of mica/<folder>, without namespaces detail.
inline std::string headers_of(const std::string& folder) {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator(MICA_GOLDEN_DIR "/../../mica/" + folder)) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    out.append(std::istreambuf_iterator<char>(file), {});
  }
  // Namespaces of one line have no comment behind their end.
  out = std::regex_replace(out, std::regex("\nnamespace detail \\{\n[^\n]*\n\\}\n"), "\n");
  const std::string begin = "\nnamespace detail {", end = "\n}  // namespace detail";
  for (std::size_t at = out.find(begin); at != std::string::npos; at = out.find(begin, at)) {
    out.erase(at, out.find(end, at) + end.size() - at);
  }
  return out;
}

// The first two groups of every match; the second is empty if the pattern has only one.
inline std::vector<std::pair<std::string, std::string>> declared(const std::string& text,
                                                                 const std::string& pattern) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::regex declaration(pattern);
  for (std::sregex_iterator i(text.begin(), text.end(), declaration), end; i != end; ++i) {
    out.emplace_back((*i)[1].str(), (*i)[2].str());
  }
  return out;
}

}  // namespace mica::golden
