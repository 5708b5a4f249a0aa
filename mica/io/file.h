// Files that are written whole or not at all, and read with every error named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
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
  // The next bytes, exactly so many. Errors: the file ends earlier.
  void read(void* data, std::size_t bytes);
  // The whole file, writable and private: changes stay in this process and never reach the file. Mapped into
  // memory where the system can, so that a page is read when it is first used; read at once elsewhere.
  //
  // A mapped file that is replaced (as AtomicFile does) or deleted stays what it was. One that is overwritten
  // shows the new bytes in pages not used before, and one that is cut off ends the process (SIGBUS) when a
  // page behind the end is used, as with any mapped file: read those that others write to.
  std::shared_ptr<std::byte> map() const;

 private:
  void read_at(std::uint64_t position, void* data, std::size_t bytes) const;

  std::filesystem::path path_;
  std::uint64_t position_ = 0;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace mica::io
