#include <algorithm>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/index.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/embedding.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

Tensor lookup(const Tensor& indices, const Tensor& weight, std::int64_t padding, const Tensor& scale = {});

// The gradient of the table: every looked-up row's gradient added to its row.
Tensor embedding_backward(const Tensor& grad, const Tensor& indices, std::int64_t rows,
                          std::int64_t padding) {
  const Tensor g = grad.detach().contiguous();
  const std::int64_t n = g.sizes().back();
  Tensor table = empty({rows, n}, g.dtype());
  kernels::scatter_add_rows(g.dtype(), indices.numel(), rows, n, g.raw_data(),
                            indices.data<std::int64_t>().data(), padding, table.raw_data());
  if (!recording(grad)) return table;
  return record("embedding_backward", table, {&grad}, [indices, padding](const Node&, const Tensor& gg) {
    const Tensor picked = lookup(indices, gg, padding);
    return padding < 0 ? picked : picked * ne(indices, padding).unsqueeze(-1);
  });
}

// `scale`, if defined, is a factor for the gradient of each index.
Tensor lookup(const Tensor& indices, const Tensor& weight, std::int64_t padding, const Tensor& scale) {
  const Tensor table = weight.contiguous();
  const std::int64_t n = table.sizes()[1];
  Shape sizes = indices.sizes();
  sizes.push_back(n);
  Tensor y = empty(sizes, table.dtype());
  kernels::gather_rows(indices.numel(), n * static_cast<std::int64_t>(item_size(table.dtype())),
                       table.raw_data(), indices.data<std::int64_t>().data(), y.raw_data());
  if (!recording(table)) return y;
  return record(
      "embedding", y, {&table},
      [at = Saved(indices), padding, scale, rows = table.sizes()[0]](const Node& node, const Tensor& given) {
        const Tensor grad = given.to(ops::compute_type(given.dtype()));
        return embedding_backward(scale.defined() ? grad * scale.to(grad.dtype()).unsqueeze(-1) : grad,
                                  at.get(node), rows, padding);
      });
}

void check_whole_numbers(const char* name, const char* what, const Tensor& x) {
  if (x.dtype() == i64 || x.dtype() == i32) return;
  throw Error(name, fmt::format("{} are {}", what, mica::name(x.dtype())), "use i64 or i32; x.to(i64)");
}

// The indices as contiguous i64. Errors: no table, other dtypes, indices outside it.
Tensor checked_indices(const char* name, const Tensor& indices, const Tensor& weight) {
  if (weight.dim() != 2) {
    throw Error(name, fmt::format("weight of shape {} is no table", to_string(weight.sizes())),
                "expected (V, D)");
  }
  check_whole_numbers(name, "indices", indices);
  const std::int64_t rows = weight.sizes()[0];
  Tensor at = indices.to(i64).contiguous();
  for (const std::int64_t i : at.data<std::int64_t>()) {
    if (i < 0 || i >= rows)
      throw Error(name, fmt::format("index {} is out of range for a table of {} rows", i, rows));
  }
  return at;
}

// Counted from the start, or -1.
std::int64_t checked_padding(const char* name, std::optional<std::int64_t> padding, std::int64_t rows) {
  if (!padding) return -1;
  if (*padding < -rows || *padding >= rows) {
    throw Error(name, fmt::format("padding_idx {} is out of range for a table of {} rows", *padding, rows));
  }
  return *padding < 0 ? *padding + rows : *padding;
}

void check_max_norm(const char* name, std::optional<double> max_norm) {
  if (max_norm && !(*max_norm >= 0))
    throw Error(name, fmt::format("max_norm is {}", *max_norm), "no norm is negative");
}

// Each row that the indices name once, shortened to max_norm if it is longer.
void limit_rows(const Tensor& weight, const Tensor& indices, double max_norm, double norm_type) {
  const auto span = indices.data<std::int64_t>();
  std::vector<std::int64_t> rows(span.begin(), span.end());
  std::ranges::sort(rows);
  const auto repeated = std::ranges::unique(rows);
  rows.erase(repeated.begin(), repeated.end());
  const NoGrad no_grad;
  for (const std::int64_t i : rows) {
    Tensor row = weight.detach()[i];
    const double norm = row.norm(norm_type).item();
    if (norm > max_norm) row.mul_(max_norm / (norm + 1e-7));
  }
}

// One over how often each index comes.
Tensor inverse_frequencies(const Tensor& indices, std::int64_t rows) {
  std::vector<double> counts(static_cast<std::size_t>(rows), 0);
  const auto at = indices.data<std::int64_t>();
  for (const std::int64_t i : at) counts[static_cast<std::size_t>(i)] += 1;
  std::vector<double> out;
  out.reserve(at.size());
  for (const std::int64_t i : at) out.push_back(1 / counts[static_cast<std::size_t>(i)]);
  return from_vector(out).view(indices.sizes());
}

// The entries of all bags in turn, without padding.
struct Bags {
  std::int64_t count = 0;
  std::vector<std::int64_t> position, bag;  // in the flattened indices; number of the bag
};

Bags bags_of(const Tensor& indices, std::span<const std::int64_t> starts, std::span<const std::int64_t> ends,
             std::int64_t padding) {
  Bags bags{.count = static_cast<std::int64_t>(starts.size()), .position = {}, .bag = {}};
  bags.position.reserve(static_cast<std::size_t>(indices.numel()));
  bags.bag.reserve(static_cast<std::size_t>(indices.numel()));
  const auto at = indices.data<std::int64_t>();
  for (std::size_t b = 0; b < starts.size(); ++b) {
    for (std::int64_t i = starts[b]; i < ends[b]; ++i) {
      if (at[static_cast<std::size_t>(i)] == padding) continue;
      bags.position.push_back(i);
      bags.bag.push_back(static_cast<std::int64_t>(b));
    }
  }
  return bags;
}

[[noreturn]] void refuse_bags(const std::string& seen, const char* hint) {
  throw Error("embedding_bag", seen, hint);
}

// Where bags start, and where the last one ends.
std::vector<std::int64_t> bag_limits(const Tensor& indices, const EmbeddingBagLookup& o) {
  if (indices.dim() != 1 && indices.dim() != 2) {
    refuse_bags(fmt::format("indices of shape {}", to_string(indices.sizes())),
                "expected (B, N), or (N) with offsets");
  }
  if ((indices.dim() == 1) != o.offsets.defined()) {
    refuse_bags(fmt::format("indices of shape {} {} offsets", to_string(indices.sizes()),
                            o.offsets.defined() ? "with" : "without"),
                "offsets say where bags start in indices of one dimension; in (B, N) each row is a bag");
  }
  std::vector<std::int64_t> limits;
  if (indices.dim() == 2) {
    limits.reserve(static_cast<std::size_t>(indices.size(0)) + 1);
    for (std::int64_t b = 0; b <= indices.size(0); ++b) limits.push_back(b * indices.size(1));
    return limits;
  }
  check_whole_numbers("embedding_bag", "offsets", o.offsets);
  if (o.offsets.dim() != 1) {
    refuse_bags(fmt::format("offsets of shape {}", to_string(o.offsets.sizes())), "expected one dimension");
  }
  limits = o.offsets.to_vector<std::int64_t>();
  if (o.include_last_offset && limits.empty())
    refuse_bags("no offsets", "include_last_offset needs at least one");
  if (!o.include_last_offset) limits.push_back(indices.numel());
  if (limits.front() != 0 && limits.size() > 1) {
    refuse_bags(fmt::format("the first offset is {}", limits.front()), "it must be 0");
  }
  if (!std::ranges::is_sorted(limits) || limits.back() > indices.numel()) {
    refuse_bags(fmt::format("{} offsets, the last of which is {}, for {} indices", o.offsets.numel(),
                            o.offsets[-1].item<std::int64_t>(), indices.numel()),
                "they must not fall, nor reach beyond the indices");
  }
  return limits;
}

// The rows' largest values in each bag: which row has them is found first.
Tensor largest(const Tensor& rows, const Bags& bags) {
  const std::int64_t n = rows.size(1);
  if (rows.numel() == 0) return rows.sum({0}, true).expand({bags.count, n});
  std::vector<std::int64_t> choice(static_cast<std::size_t>(bags.count * n), -1);
  const Tensor plain = rows.detach();
  kernels::dispatch_floating("embedding_bag", plain.dtype(), [&]<class T>() {
    const auto values = plain.data<T>();
    for (std::size_t k = 0; k < bags.bag.size(); ++k) {
      for (std::int64_t j = 0; j < n; ++j) {
        const auto column = static_cast<std::size_t>(j);
        const auto width = static_cast<std::size_t>(n);
        std::int64_t& best = choice[static_cast<std::size_t>(bags.bag[k]) * width + column];
        if (best < 0 || values[k * width + column] > values[static_cast<std::size_t>(best) * width + column])
          best = static_cast<std::int64_t>(k);
      }
    }
  });
  const Tensor at = from_vector(choice).view({bags.count, n});
  return rows.gather(0, clamp_min(at, 0)).masked_fill(lt(at, 0), 0);
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingLookup& o) {
  const Tensor at = checked_indices("embedding", indices, weight);
  const std::int64_t rows = weight.sizes()[0];
  const std::int64_t padding = checked_padding("embedding", o.padding_idx, rows);
  check_max_norm("embedding", o.max_norm);
  if (o.max_norm) limit_rows(weight, at, *o.max_norm, o.norm_type);
  return lookup(at, weight, padding, o.scale_grad_by_freq ? inverse_frequencies(at, rows) : Tensor());
}

Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingBagLookup& o) {
  const Tensor all = checked_indices("embedding_bag", indices, weight);
  const std::int64_t padding = checked_padding("embedding_bag", o.padding_idx, weight.size(0));
  check_max_norm("embedding_bag", o.max_norm);
  const std::vector<std::int64_t> limits = bag_limits(all, o);
  const Tensor& factors = o.per_sample_weights;
  if (factors.defined()) {
    if (o.mode != BagMode::sum)
      refuse_bags("per_sample_weights with another mode than sum", "use BagMode::sum");
    if (factors.sizes() != indices.sizes()) {
      refuse_bags(fmt::format("per_sample_weights of shape {} for indices of shape {}",
                              to_string(factors.sizes()), to_string(indices.sizes())),
                  "they must agree");
    }
    ops::check_same_dtype("embedding_bag", factors, "per_sample_weights", weight, "weight");
  }
  if (o.mode == BagMode::max && o.scale_grad_by_freq) {
    refuse_bags("scale_grad_by_freq with BagMode::max", "it is defined for sum and mean");
  }
  if (o.max_norm) limit_rows(weight, all, *o.max_norm, o.norm_type);

  const Tensor flat = all.view({-1});
  const std::span<const std::int64_t> starts(limits.data(), limits.size() - 1);
  const Bags bags = bags_of(flat, starts, {limits.data() + 1, starts.size()}, padding);
  const Tensor position = from_vector(bags.position);
  const Tensor scale = o.scale_grad_by_freq ? inverse_frequencies(flat, weight.size(0)) : Tensor();
  Tensor rows = lookup(flat.index_select(0, position), weight, -1,
                       scale.defined() ? scale.index_select(0, position) : Tensor());
  rows = rows.to(ops::compute_type(weight.dtype()));
  if (o.mode == BagMode::max) return largest(rows, bags).to(weight.dtype());

  if (factors.defined()) rows = rows * factors.reshape({-1}).index_select(0, position).unsqueeze(-1);
  const Tensor bag = from_vector(bags.bag);
  Tensor y = zeros({bags.count, weight.size(1)}, rows.dtype()).index_add(0, bag, rows);
  if (o.mode == BagMode::mean) {
    const Tensor sizes = zeros({bags.count}, rows.dtype()).index_add(0, bag, ones(bag.sizes(), rows.dtype()));
    y = y / clamp_min(sizes, 1).unsqueeze(-1);
  }
  return y.to(weight.dtype());
}

}  // namespace mica
