// Files that are written whole or not at all, and read with every error named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace mica::io {

// Writes to a temporary file in the target's folder; commit() flushes it to disk and renames it over the
// target. Without commit() the destructor removes it, so an exception leaves the target as it was. Errors
// (all): what failed, the path, and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;
  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
};

// A regular file opened for reading from the start.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  std::uint64_t size() const { return size_; }
  // Exactly this many bytes. Errors: the file ends earlier.
  void read(void* data, std::size_t bytes);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace mica::io
