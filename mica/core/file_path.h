// The path of a file as a parameter.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace mica {

// Made from text or from a std::filesystem::path. Headers take it instead, since <filesystem> would be a
// tenth of the compile time of every program.
class FilePath {
 public:
  FilePath() = default;
  FilePath(const char* path) : text_(path) {}
  FilePath(std::string_view path) : text_(path) {}
  FilePath(std::string path) : text_(std::move(path)) {}
  template <class Path>
    requires requires(const Path& path) {
      { path.native() } -> std::convertible_to<const std::string&>;
    }
  FilePath(const Path& path) : text_(path.native()) {}

  const std::string& string() const { return text_; }

 private:
  std::string text_;
};

}  // namespace mica
