#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include <mica/tensor/print.h>

namespace mica {

namespace {

constexpr std::int64_t summarize_above = 1000;
constexpr std::int64_t edge_items = 3;
constexpr std::size_t line_width = 80;

double value_at(const Tensor& x, std::int64_t offset) {
  return dispatch(x.dtype(), [&]<class T>() -> double {
    const T value = static_cast<const T*>(x.raw_data())[offset];
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
      return static_cast<float>(value);
    else
      return static_cast<double>(value);
  });
}

// Indices of a dimension that are shown; -1 stands for "...".
std::vector<std::int64_t> shown(std::int64_t n, bool summarize) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) {
    if (summarize && n > 2 * edge_items && i == edge_items) {
      out.push_back(-1);
      i = n - edge_items;
    }
    out.push_back(i);
  }
  return out;
}

// How one number is written, decided from all that are shown.
class NumberFormat {
 public:
  NumberFormat(DType dtype, const std::vector<double>& values) : dtype_(dtype) {
    double largest = 0;
    double smallest = INFINITY;
    bool whole = true;
    for (const double v : values) {
      if (!std::isfinite(v)) continue;
      whole = whole && v == std::ceil(v);
      if (v == 0) continue;
      largest = std::max(largest, std::abs(v));
      smallest = std::min(smallest, std::abs(v));
    }
    whole_ = whole;
    scientific_ = largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4);
    for (const double v : values) width_ = std::max(width_, plain(v).size());
  }
  std::string operator()(double v) const { return fmt::format("{:>{}}", plain(v), width_); }

 private:
  std::string plain(double v) const {
    if (dtype_ == boolean) return v != 0 ? "True" : "False";
    if (!is_floating_point(dtype_)) return fmt::format("{}", static_cast<std::int64_t>(v));
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
    if (scientific_) return fmt::format("{:.4e}", v);
    return whole_ ? fmt::format("{:.0f}.", v) : fmt::format("{:.4f}", v);
  }
  DType dtype_;
  bool whole_ = false;
  bool scientific_ = false;
  std::size_t width_ = 0;
};

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "tensor(undefined)";
  const bool summarize = x.numel() > summarize_above;
  const int rank = x.sizes().size();

  std::vector<double> values;
  std::function<void(int, std::int64_t)> collect = [&](int dim, std::int64_t offset) {
    if (dim == rank) return values.push_back(value_at(x, offset));
    for (const std::int64_t i : shown(x.sizes()[dim], summarize)) {
      if (i >= 0) collect(dim + 1, offset + i * x.strides()[dim]);
    }
  };
  if (x.numel() > 0) collect(0, 0);
  const NumberFormat number(x.dtype(), values);

  const std::string margin = "tensor(";
  std::string out = margin;
  std::function<void(int, std::int64_t)> write = [&](int dim, std::int64_t offset) {
    if (dim == rank) {
      out += number(value_at(x, offset));
      return;
    }
    out += '[';
    const std::string indent(margin.size() + static_cast<std::size_t>(dim) + 1, ' ');
    const bool last = dim == rank - 1;
    std::size_t line_start = out.size() - indent.size();
    bool first = true;
    for (const std::int64_t i : shown(x.sizes()[dim], summarize)) {
      if (!first) {
        out += ',';
        if (last)
          out += ' ';
        else
          out.append(static_cast<std::size_t>(rank - 1 - dim), '\n').append(indent);
      }
      const std::size_t before = out.size();
      if (i < 0)
        out += last ? " ..." : "...";
      else
        write(dim + 1, offset + i * x.strides()[dim]);
      if (last && !first && out.size() - line_start > line_width) {  // the number opens a new line instead
        out.replace(before - 1, 1, "\n" + indent);
        line_start = before;
      }
      first = false;
    }
    out += ']';
  };
  write(0, 0);
  if (x.numel() == 0 && rank > 1) out += fmt::format(", size={}", to_string(x.sizes()));
  const bool default_type = x.dtype() == f32 || x.dtype() == i64 || x.dtype() == boolean;
  if (!default_type || (x.numel() == 0 && x.dtype() != f32))
    out += fmt::format(", dtype={}", name(x.dtype()));
  if (!x.is_leaf())
    out += fmt::format(", grad_fn=<{}>", x.grad_fn_name());
  else if (x.requires_grad())
    out += ", requires_grad=True";
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace mica
