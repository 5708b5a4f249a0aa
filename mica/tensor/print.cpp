#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/tensor/print.h>

namespace mica {

namespace {

constexpr std::string_view opening = "tensor(";

Scalar element(const Tensor& x, std::int64_t offset) {
  return dispatch(x.dtype(), [&]<class T>() -> Scalar {
    const T value = static_cast<const T*>(x.raw_data())[offset];
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
      return static_cast<float>(value);
    else
      return value;
  });
}

// How numbers are written: all alike and padded to one width, decided from those that are shown. Zeros, NaN
// and infinities have no say in it.
class NumberFormat {
 public:
  NumberFormat(const std::vector<Scalar>& shown, const PrintOptions& options)
      : precision_(options.precision) {
    double largest = 0;
    double smallest = INFINITY;
    const auto counts = [](Scalar s) {
      return s.kind() != f64 || (std::isfinite(s.to_double()) && s.to_double() != 0);
    };
    for (const Scalar s : shown) {
      if (!counts(s)) continue;
      const double v = std::abs(s.to_double());
      whole_ = whole_ && v == std::ceil(v);
      largest = std::max(largest, v);
      smallest = std::min(smallest, v);
    }
    scientific_ = largest / smallest > 1000 || largest > 1e8 || (!whole_ && smallest < 1e-4);
    for (const Scalar s : shown) {
      if (counts(s)) width_ = std::max(width_, text(s).size());
    }
    scientific_ = options.sci_mode.value_or(scientific_);  // the width stays, as in PyTorch
  }
  std::size_t width() const { return width_; }
  std::string operator()(Scalar s) const { return fmt::format("{:>{}}", text(s), width_); }

 private:
  std::string text(Scalar s) const {
    if (s.kind() == boolean) return s.to_int() != 0 ? "True" : "False";
    if (s.kind() == i64) return fmt::format("{}", s.to_int());
    const double v = s.to_double();
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
    if (scientific_) return fmt::format("{:.{}e}", v, precision_);
    return whole_ ? fmt::format("{:.0f}.", v) : fmt::format("{:.{}f}", v, precision_);
  }
  int precision_;
  bool whole_ = true;
  bool scientific_ = false;
  std::size_t width_ = 1;
};

// The brackets, row by row.
class Writer {
 public:
  Writer(const Tensor& x, const PrintOptions& options)
      : x_(x), options_(options), rank_(x.sizes().size()), format_(shown_elements(), options) {}

  std::string text() const { return text(0, 0); }

 private:
  static constexpr std::int64_t gap = -1;

  // Positions along a dimension that are shown; `gap` stands for those left out.
  std::vector<std::int64_t> shown(int dim) const {
    const std::int64_t n = x_.sizes()[dim];
    const std::int64_t edge = options_.edgeitems;
    const bool whole = x_.numel() <= options_.threshold || n <= 2 * edge;
    std::vector<std::int64_t> positions;
    positions.reserve(static_cast<std::size_t>(whole ? n : 2 * edge + 1));
    for (std::int64_t i = 0; i < (whole ? n : edge); ++i) positions.push_back(i);
    if (whole) return positions;
    positions.push_back(gap);
    for (std::int64_t i = n - edge; i < n; ++i) positions.push_back(i);
    return positions;
  }

  std::vector<Scalar> shown_elements() const {
    std::vector<Scalar> found;
    std::function<void(int, std::int64_t)> collect = [&](int dim, std::int64_t offset) {
      if (dim == rank_) return found.push_back(element(x_, offset));
      for (const std::int64_t i : shown(dim)) {
        if (i != gap) collect(dim + 1, offset + i * x_.strides()[dim]);
      }
    };
    collect(0, 0);
    return found;
  }

  std::string text(int dim, std::int64_t offset) const {
    if (dim == rank_) return format_(element(x_, offset));
    std::vector<std::string> items;
    const bool innermost = dim == rank_ - 1;
    for (const std::int64_t i : shown(dim)) {
      if (i == gap)
        items.emplace_back(innermost && options_.edgeitems > 0 ? " ..." : "...");
      else
        items.push_back(text(dim + 1, offset + i * x_.strides()[dim]));
    }
    const std::size_t margin = opening.size() + static_cast<std::size_t>(dim);
    const std::string indent(margin + 1, ' ');
    if (!innermost) {  // blank lines between matrices, more between batches of them
      const std::string lines(static_cast<std::size_t>(rank_ - 1 - dim), '\n');
      return fmt::format("[{}]", fmt::join(items, "," + lines + indent));
    }
    const auto room = std::max(options_.linewidth - static_cast<std::int64_t>(margin), std::int64_t{0});
    const std::size_t per_line =
        std::max<std::size_t>(static_cast<std::size_t>(room) / (format_.width() + 2), 1);
    std::string out = "[";
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += i % per_line == 0 ? ",\n" + indent : ", ";
      out += items[i];
    }
    return out + "]";
  }

  const Tensor& x_;
  const PrintOptions& options_;
  int rank_;
  NumberFormat format_;
};

// What follows the numbers: whatever they do not show.
std::vector<std::string> remarks(const Tensor& x) {
  std::vector<std::string> out;
  const bool nothing = x.numel() == 0;
  if (nothing && x.dim() != 1) out.push_back(fmt::format("size=({})", fmt::join(x.sizes(), ", ")));
  const bool evident = x.dtype() == f32 || (!nothing && (x.dtype() == i64 || x.dtype() == boolean));
  if (!evident) out.push_back(fmt::format("dtype={}", name(x.dtype())));
  if (!x.is_leaf())
    out.push_back(fmt::format("grad_fn=<{}>", x.grad_fn_name()));
  else if (x.requires_grad())
    out.emplace_back("requires_grad=True");
  return out;
}

struct Current {
  std::mutex mutex;
  PrintOptions options;
};
Current& current() {
  static Current settings;
  return settings;
}

void check(const PrintOptions& o) {
  if (o.precision >= 0 && o.threshold >= 0 && o.edgeitems >= 0 && o.linewidth >= 0) return;
  throw Error("PrintOptions",
              fmt::format("precision {}, threshold {}, edgeitems {}, linewidth {}", o.precision, o.threshold,
                          o.edgeitems, o.linewidth),
              "none of them is negative");
}

}  // namespace

void set_print_options(const PrintOptions& options) {
  check(options);
  const std::scoped_lock lock(current().mutex);
  current().options = options;
}

PrintOptions print_options() {
  const std::scoped_lock lock(current().mutex);
  return current().options;
}

std::string to_string(const Tensor& x) { return to_string(x, print_options()); }

std::string to_string(const Tensor& x, const PrintOptions& options) {
  check(options);
  if (!x.defined()) return "tensor(undefined)";
  std::string out(opening);
  out += x.numel() == 0 ? "[]" : Writer(x, options).text();
  const std::size_t line_break = out.rfind('\n');
  std::size_t column = line_break == std::string::npos ? out.size() + 2 : out.size() - line_break + 1;
  for (const std::string& remark : remarks(x)) {
    const bool fits = column + remark.size() + 2 <= static_cast<std::size_t>(options.linewidth);
    out += fits ? ", " : ",\n" + std::string(opening.size(), ' ');
    column = fits ? column + remark.size() + 2 : opening.size() + remark.size();
    out += remark;
  }
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace mica
