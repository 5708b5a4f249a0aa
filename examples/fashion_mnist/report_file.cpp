// Writing the report so that a reader never sees half a page.
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "report.h"

namespace demo {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw std::runtime_error(fmt::format("report: cannot write {}: {}", path.string(), std::strerror(error)));
}

// A file beside the target that takes its place when it is complete, and vanishes otherwise.
class Replacement {
 public:
  explicit Replacement(const std::filesystem::path& target)
      : target_(target), path_(fmt::format("{}.{}.tmp", target.string(), getpid())) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(target_, errno);
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!committed_) unlink(path_.c_str());
  }

  void write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(target_, errno);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void commit() {
    if (fsync(descriptor_) != 0) fail(target_, errno);
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail(target_, errno);
    if (std::rename(path_.c_str(), target_.c_str()) != 0) fail(target_, errno);
    committed_ = true;
  }

 private:
  std::filesystem::path target_;
  std::string path_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

void write_report(const Report& report, const std::filesystem::path& path) {
  const std::string page = render_html(report);
  Replacement file(path);
  file.write_all(page);
  file.commit();
}

}  // namespace demo
