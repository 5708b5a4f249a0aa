#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mica/train/progress.h>

namespace mica::train {

namespace {
constexpr int bar_width = 24;

std::size_t terminal_width(std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return size.ws_col;
}
}  // namespace

Progress::Progress(std::string label, std::int64_t total, std::string unit, std::int64_t already,
                   std::FILE* out)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      already_(already),
      done_(already),
      out_(out),
      terminal_(isatty(fileno(out)) != 0),
      start_(std::chrono::steady_clock::now()),
      last_draw_(start_) {
  if (total_ > 0) next_tenth_ = already_ * 10 / total_ + 1;
}

Progress::~Progress() {
  if (!open_) return;
  std::fputc('\n', out_);
  std::fflush(out_);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double Progress::per_second() const {
  return static_cast<double>(done_ - already_) / std::max(seconds(), 1e-9);
}

void Progress::update(std::int64_t done, std::string_view status) {
  done_ = done;
  status_ = status;
  const auto now = std::chrono::steady_clock::now();
  if (terminal_) {
    if (now - last_draw_ < std::chrono::milliseconds(100)) return;
  } else {
    if (total_ <= 0 || done_ * 10 < next_tenth_ * total_) return;
    next_tenth_ = done_ * 10 / total_ + 1;
  }
  last_draw_ = now;
  draw();
}

void Progress::finish() {
  if (terminal_ || (total_ > 0 && next_tenth_ <= 10)) draw();
  if (open_) std::fputc('\n', out_);
  open_ = false;
  std::fflush(out_);
}

std::string Progress::line() const {
  const double share =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 1.0;
  const double speed = per_second();
  std::string time = human_time(seconds());
  if (done_ < total_ && speed > 0) time = "ETA " + human_time(static_cast<double>(total_ - done_) / speed);
  std::string bar;
  if (terminal_) {
    const int filled = static_cast<int>(std::lround(share * bar_width));
    for (int i = 0; i < bar_width; ++i) bar += i < filled ? "█" : "░";
    bar += ' ';
  }
  return fmt::format("{} {}{:3.0f} %  {}  {:.0f} {}/s  {}", label_, bar, share * 100, status_, speed, unit_,
                     time);
}

void Progress::draw() {
  if (!terminal_) {
    std::fputs((line() + "\n").c_str(), out_);
    std::fflush(out_);
    return;
  }
  std::string text = line();
  // A line that wraps could not be drawn over. UTF-8 continuation bytes take no column.
  const std::size_t columns = terminal_width(out_) - 1;
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (starts && used == columns) break;
    used += starts ? 1 : 0;
    ++end;
  }
  text.resize(end);
  std::fputs(("\r" + text + "\x1b[K").c_str(), out_);
  std::fflush(out_);
  open_ = true;
}

std::string human_time(double seconds) {
  const auto s = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
}

}  // namespace mica::train
