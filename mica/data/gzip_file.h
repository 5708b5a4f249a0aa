// A file, decompressed on the way if it is in gzip format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace mica::data {

// Reads a regular file from the start. Gzip is recognised by its first two bytes, not by the name.
class GzipFile {
 public:
  // `operation` is named in all errors, here and in read(). Errors: no such file, not a regular file, no
  // permission.
  GzipFile(std::string operation, const std::filesystem::path& path);
  ~GzipFile();
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  // Fills `out`, and less of it only at the end of the data; returns how many bytes. Errors: compressed data
  // that is damaged (its checksums are compared) or cut off; failures of the system.
  std::size_t read(void* out, std::size_t bytes);

  // The bytes that a file of this size holds at most: its size, or the most that it can decompress to.
  std::uint64_t max_size() const;

 private:
  class Inflater;
  struct Close {
    void operator()(std::FILE* file) const;
  };
  std::size_t read_raw(void* out, std::size_t bytes);
  [[noreturn]] void fail(const std::string& what, const std::string& hint) const;

  std::string operation_;
  std::filesystem::path path_;
  std::uint64_t file_size_ = 0;
  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<Inflater> inflater_;  // null for plain files
};

}  // namespace mica::data
