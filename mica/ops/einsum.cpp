#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/detail.h>
#include <mica/ops/einsum.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/view.h>

namespace mica {

namespace {

// A name of a dimension: capital letters, small letters, then the dimensions that dots stand for.
using Label = int;
using Labels = std::vector<Label>;
constexpr Label letters = 52;
constexpr Label dots = -1;  // in a parsed term, before it is known how many dimensions they stand for

bool contains(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

int position(const Labels& labels, Label label) {
  return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}

std::string name_of(Label label) {
  if (label >= letters) return "...";
  return {static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26)};
}

// ---- reading the equation ----

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
  bool has_output = false;
};

[[noreturn]] void throw_at(std::string_view equation, std::size_t place, const std::string& what) {
  throw Error("einsum", fmt::format("{}\n    {}\n    {:>{}}", what, equation, '^', place + 1),
              "an equation reads like \"bij,bjk->bik\" or \"...i,i\"");
}

Equation parse(std::string_view text) {
  Equation equation;
  Labels term;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (c == ',') {
      if (equation.has_output) throw_at(text, i, "only one term may follow the arrow");
      equation.inputs.push_back(std::exchange(term, {}));
    } else if (c == '-') {
      if (text.substr(i, 2) != "->") throw_at(text, i, "a '-' without '>'");
      if (equation.has_output) throw_at(text, i, "a second arrow");
      equation.inputs.push_back(std::exchange(term, {}));
      equation.has_output = true;
      ++i;
    } else if (c == '.') {
      if (text.substr(i, 3) != "...") throw_at(text, i, "dots come in threes");
      if (contains(term, dots)) throw_at(text, i, "dots a second time in one term");
      term.push_back(dots);
      i += 2;
    } else {
      const bool capital = c >= 'A' && c <= 'Z';
      if (!capital && (c < 'a' || c > 'z')) throw_at(text, i, fmt::format("'{}' is no letter", c));
      const Label label = capital ? c - 'A' : c - 'a' + 26;
      if (equation.has_output) {
        const auto has = [&](const Labels& input) { return contains(input, label); };
        if (contains(term, label)) throw_at(text, i, fmt::format("'{}' a second time in the result", c));
        if (std::none_of(equation.inputs.begin(), equation.inputs.end(), has))
          throw_at(text, i, fmt::format("no operand has a dimension '{}'", c));
      }
      term.push_back(label);
    }
  }
  if (equation.has_output)
    equation.output = std::move(term);
  else
    equation.inputs.push_back(std::move(term));
  return equation;
}

// Replaces dots by labels for the last `own` of the `most` dimensions that they stand for.
Labels without_dots(const Labels& term, int own, int most) {
  Labels labels;
  for (const Label label : term) {
    if (label != dots) {
      labels.push_back(label);
      continue;
    }
    for (int i = most - own; i < most; ++i) labels.push_back(letters + i);
  }
  return labels;
}

Labels implicit_output(const std::vector<Labels>& inputs, int dotted) {
  std::array<int, letters> count{};
  for (const Labels& input : inputs) {
    for (const Label label : input) {
      if (label < letters) ++count[static_cast<std::size_t>(label)];
    }
  }
  Labels output;
  for (int i = 0; i < dotted; ++i) output.push_back(letters + i);
  for (Label label = 0; label < letters; ++label) {
    if (count[static_cast<std::size_t>(label)] == 1) output.push_back(label);
  }
  return output;
}

// ---- contracting ----

// A tensor whose dimensions have names, each once.
struct Named {
  Tensor tensor;
  Labels labels;
  std::int64_t size(Label label) const { return tensor.sizes()[position(labels, label)]; }
};

// The diagonals of names that occur twice.
Named with_unique_names(Named x) {
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    for (std::size_t j = x.labels.size() - 1; j > i; --j) {
      if (x.labels[j] != x.labels[i]) continue;
      const auto a = static_cast<int>(i);
      const auto b = static_cast<int>(j);
      const Shape& sizes = x.tensor.sizes();
      if (sizes[a] != sizes[b]) {
        throw Error("einsum",
                    fmt::format("'{}' twice in an operand of shape {}, where it stands for {} and {}",
                                name_of(x.labels[i]), to_string(sizes), sizes[a], sizes[b]));
      }
      x.tensor = x.tensor.diagonal(0, a, b).movedim({-1}, {a});
      x.labels.erase(x.labels.begin() + b);
    }
  }
  return x;
}

Named without(const Named& x, const Labels& dropped) {
  if (dropped.empty()) return x;
  Shape dims;
  Labels rest;
  for (const Label label : dropped) dims.push_back(position(x.labels, label));
  for (const Label label : x.labels) {
    if (!contains(dropped, label)) rest.push_back(label);
  }
  return {x.tensor.sum(dims), rest};
}

Named squeezed(const Named& x, Label label) {
  Named y{x.tensor.squeeze(position(x.labels, label)), x.labels};
  y.labels.erase(y.labels.begin() + position(y.labels, label));
  return y;
}

Tensor permuted(const Named& x, const Labels& order) {
  Shape dims;
  for (const Label label : order) dims.push_back(position(x.labels, label));
  return x.tensor.permute(dims);
}

Labels operator+(Labels a, const Labels& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Shape sizes_of(const Named& x, const Labels& labels) {
  Shape sizes;
  for (const Label label : labels) sizes.push_back(x.size(label));
  return sizes;
}

Shape operator+(Shape a, const Shape& b) {
  for (const std::int64_t size : b) a.push_back(size);
  return a;
}

// The product of both, summed over the names that `kept` does not have.
Named contract(Named a, Named b, const Labels& kept) {
  const DType type = a.tensor.dtype();
  // A size of 1 that meets another size broadcasts: as if the operand did not have the dimension.
  for (const Label label : Labels(a.labels)) {
    if (!contains(b.labels, label) || a.size(label) == b.size(label)) continue;
    Named& one = a.size(label) == 1 ? a : b;
    one = squeezed(one, label);
  }
  const auto alone = [&](const Named& x, const Named& other, bool wanted) {
    Labels labels;
    for (const Label label : x.labels) {
      if (!contains(other.labels, label) && contains(kept, label) == wanted) labels.push_back(label);
    }
    return labels;
  };
  const Labels left = alone(a, b, true);
  const Labels right = alone(b, a, true);
  const Labels summed = alone(b, a, false);
  a = without(a, alone(a, b, false));
  b = without(b, summed);
  a.tensor = a.tensor.to(type);  // sums of integers are i64
  b.tensor = b.tensor.to(type);

  Labels batch;
  Labels inner;
  for (const Label label : a.labels) {
    if (contains(b.labels, label)) (contains(kept, label) ? batch : inner).push_back(label);
  }
  const Labels result = batch + left + right;
  const Shape batch_sizes = sizes_of(a, batch);
  const Shape left_sizes = sizes_of(a, left);
  const Shape right_sizes = sizes_of(b, right);
  const Shape sizes = batch_sizes + left_sizes + right_sizes;
  if (inner.empty()) {
    const Tensor rows =
        permuted(a, batch + left).reshape(batch_sizes + left_sizes + Shape::filled(right_sizes.size(), 1));
    const Tensor columns =
        permuted(b, batch + right).reshape(batch_sizes + Shape::filled(left_sizes.size(), 1) + right_sizes);
    return {rows * columns, result};
  }
  const std::int64_t count = batch_sizes.numel();
  const std::int64_t depth = sizes_of(a, inner).numel();
  const Tensor rows = permuted(a, batch + left + inner).reshape({count, left_sizes.numel(), depth});
  const Tensor columns = permuted(b, batch + inner + right).reshape({count, depth, right_sizes.numel()});
  return {bmm(rows, columns).reshape(sizes), result};
}

// Sizes of one name are equal, or 1.
void check_sizes(const std::vector<Named>& operands) {
  std::array<std::pair<std::int64_t, std::size_t>, letters + max_dims> known;  // size, operand
  known.fill({1, 0});
  for (std::size_t i = 0; i < operands.size(); ++i) {
    for (const Label label : operands[i].labels) {
      auto& [size, where] = known[static_cast<std::size_t>(label)];
      const std::int64_t own = operands[i].size(label);
      if (own != 1 && size != 1 && own != size) {
        throw Error("einsum",
                    fmt::format("'{}' stands for {} in operand {} of shape {} and for {} in operand {} "
                                "of shape {}",
                                name_of(label), size, where, to_string(operands[where].tensor.sizes()), own,
                                i, to_string(operands[i].tensor.sizes())));
      }
      if (own != 1) known[static_cast<std::size_t>(label)] = {own, i};
    }
  }
}

}  // namespace

Tensor einsum(std::string_view text, const std::vector<Tensor>& tensors) {
  if (autocast_enabled() && tensors.size() > 1) {  // each pair meets in a bmm
    const autograd::NoAutocast chosen;
    std::vector<Tensor> narrow;
    narrow.reserve(tensors.size());
    for (const Tensor& x : tensors) narrow.push_back(autograd::autocast(x, bf16));
    return einsum(text, narrow);
  }
  const Equation equation = parse(text);
  if (equation.inputs.size() != tensors.size()) {
    throw Error("einsum", fmt::format("\"{}\" has {} terms for {} operands", text, equation.inputs.size(),
                                      tensors.size()));
  }
  std::vector<int> dotted;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Labels& term = equation.inputs[i];
    const bool has_dots = contains(term, dots);
    const int rest = static_cast<int>(tensors[i].dim()) - static_cast<int>(term.size()) + (has_dots ? 1 : 0);
    if (rest < 0 || (rest > 0 && !has_dots)) {
      throw Error("einsum",
                  fmt::format("\"{}\": operand {} has shape {}, but its term names {}{} dimensions", text, i,
                              to_string(tensors[i].sizes()), has_dots ? "at least " : "",
                              static_cast<int>(tensors[i].dim()) - rest),
                  "\"...\" stands for any number of dimensions");
    }
    ops::check_same_dtype("einsum", tensors[0], "the first operand", tensors[i], "another");
    dotted.push_back(rest);
  }
  const int most = *std::max_element(dotted.begin(), dotted.end());
  std::vector<Named> operands;
  std::vector<Labels> inputs;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    inputs.push_back(without_dots(equation.inputs[i], dotted[i], most));
    operands.push_back(with_unique_names({tensors[i], inputs.back()}));
  }
  check_sizes(operands);
  const Labels output =
      equation.has_output ? without_dots(equation.output, most, most) : implicit_output(inputs, most);

  Named result = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) {
    Labels kept = output;
    for (std::size_t later = i + 1; later < operands.size(); ++later) kept = kept + operands[later].labels;
    result = contract(std::move(result), std::move(operands[i]), kept);
  }
  Labels dropped;
  for (const Label label : result.labels) {
    if (!contains(output, label)) dropped.push_back(label);
  }
  return permuted(without(result, dropped), output);
}

Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t dims) {
  if (dims < 0 || dims > a.dim() || dims > b.dim()) {
    throw Error("tensordot", fmt::format("{} dimensions of shapes {} and {}", dims, to_string(a.sizes()),
                                         to_string(b.sizes())));
  }
  Shape dims_a;
  Shape dims_b;
  for (std::int64_t i = 0; i < dims; ++i) {
    dims_a.push_back(a.dim() - dims + i);
    dims_b.push_back(i);
  }
  return tensordot(a, b, dims_a, dims_b);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& dims_a, const Shape& dims_b) {
  if (autocast_enabled()) {
    const auto run = [&](const Tensor& x, const Tensor& y) { return tensordot(x, y, dims_a, dims_b); };
    return ops::autocast_to<bf16>(run, a, b);
  }
  if (dims_a.size() != dims_b.size()) {
    throw Error("tensordot",
                fmt::format("dimensions {} and {} are no pairs", to_string(dims_a), to_string(dims_b)));
  }
  ops::check_same_dtype("tensordot", a, "the first factor", b, "the second");
  const int rank_a = a.sizes().size();
  const int rank_b = b.sizes().size();
  Named left{a, {}};
  Named right{b, {}};
  for (int i = 0; i < rank_a; ++i) left.labels.push_back(i);
  for (int i = 0; i < rank_b; ++i) right.labels.push_back(max_dims + i);
  Labels free = left.labels + right.labels;
  for (int i = 0; i < dims_a.size(); ++i) {
    const int x = wrap_dim(dims_a[i], rank_a, "tensordot");
    const int y = wrap_dim(dims_b[i], rank_b, "tensordot");
    Label& label = right.labels[static_cast<std::size_t>(y)];
    if (!contains(free, x) || !contains(free, label)) {
      throw Error("tensordot",
                  fmt::format("a dimension occurs twice in {} or {}", to_string(dims_a), to_string(dims_b)));
    }
    if (a.sizes()[x] != b.sizes()[y] && a.sizes()[x] != 1 && b.sizes()[y] != 1) {
      throw Error("tensordot",
                  fmt::format("size {} of dimension {} of {} meets {} of dimension {} of {}", a.sizes()[x], x,
                              to_string(a.sizes()), b.sizes()[y], y, to_string(b.sizes())));
    }
    std::erase(free, x);
    std::erase(free, label);
    label = x;
  }
  return contract(std::move(left), std::move(right), free).tensor;
}

}  // namespace mica
