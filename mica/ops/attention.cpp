#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/kernels/attention.h>
#include <mica/ops/attention.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/softmax.h>

namespace mica {

using autograd::record;
using autograd::record_several;
using autograd::recording;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// One call, its tensors with four dimensions: query (B, H, L, E), key (B, Hkv, S, E), value (B, Hkv, S, Ev).
struct Problem {
  Tensor query, key, value;
  Tensor mask;  // (B, H, L, S), bool or of the query's dtype; undefined: none
  bool causal = false;
  double scale = 1;
  Tensor kept;  // (B, H, L, S) u8: 0 where dropout strikes; undefined: none
  double kept_scale = 1;

  std::int64_t group() const { return query.size(1) / std::max<std::int64_t>(1, key.size(1)); }
};

// ---- the arguments

Shape batch_of(const Tensor& x) {
  return {std::span<const std::int64_t>(x.sizes().begin(), x.sizes().end() - 2)};
}

Shape with_matrix(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape s = batch;
  s.push_back(rows);
  s.push_back(columns);
  return s;
}

std::string shapes(const Tensor& query, const Tensor& key, const Tensor& value) {
  return fmt::format("query {}, key {}, value {}", to_string(query.sizes()), to_string(key.sizes()),
                     to_string(value.sizes()));
}

void check(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
           const AttentionOptions& o) {
  ops::check_floating(name, query);
  ops::check_same_dtype(name, query, "the query", key, "the key");
  ops::check_same_dtype(name, query, "the query", value, "the value");
  if (std::min({query.dim(), key.dim(), value.dim()}) < 2) {
    throw Error(name, shapes(query, key, value) + ": at least 2 dimensions each",
                "query is (..., L, E), key (..., S, E), value (..., S, Ev)");
  }
  if (query.size(-1) != key.size(-1) || key.size(-2) != value.size(-2)) {
    throw Error(name, shapes(query, key, value) + " do not fit",
                "query is (..., L, E), key (..., S, E), value (..., S, Ev)");
  }
  if (!(o.dropout_p >= 0 && o.dropout_p <= 1))
    throw Error(name, fmt::format("dropout_p {} is not between 0 and 1", o.dropout_p));
  const DType type = o.attn_mask.defined() ? o.attn_mask.dtype() : boolean;
  if (type != boolean && !is_floating_point(type)) {
    throw Error(name, fmt::format("a mask of {}", mica::name(type)),
                "bool, where true takes part, or numbers to be added to the scores");
  }
}

// Leading dimensions (heads last) of the result, and of key and value, which have fewer heads if they are
// shared.
struct Leading {
  Shape query, key;
};
Leading leading_dimensions(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
                           bool enable_gqa) {
  Shape q = batch_of(query), k = broadcast_shapes(batch_of(key), batch_of(value), name);
  if (!enable_gqa) {
    q = broadcast_shapes(q, k, name);
    return {q, q};
  }
  if (q.empty() || k.empty() || k.back() == 0 || q.back() % k.back() != 0) {
    throw Error(name,
                shapes(query, key, value) + ": the heads of the query are no multiple of those of the key",
                "with enable_gqa, query is (..., H, L, E), key and value (..., Hkv, S, E)");
  }
  const std::int64_t heads = q.back(), kv_heads = k.back();
  q[q.size() - 1] = k[k.size() - 1] = 1;
  q = k = broadcast_shapes(q, k, name);
  q[q.size() - 1] = heads;
  k[k.size() - 1] = kv_heads;
  return {q, k};
}

// (..., rows, columns) with these leading dimensions, as four dimensions.
Tensor as_four(const Tensor& x, const Shape& leading) {
  const Shape sizes = with_matrix(leading, x.size(-2), x.size(-1));
  Tensor y = x.sizes() == sizes ? x : x.expand(sizes);
  if (y.dim() == 4) return y;
  const std::int64_t heads = leading.empty() ? 1 : leading.back();
  std::int64_t batch = 1;
  for (int i = 0; i + 1 < leading.size(); ++i) batch *= leading[i];
  return y.reshape({batch, heads, x.size(-2), x.size(-1)});
}

Problem describe(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
                 const Leading& leading, const AttentionOptions& o) {
  Problem p{.query = as_four(query, leading.query),
            .key = as_four(key, leading.key),
            .value = as_four(value, leading.key),
            .causal = o.is_causal};
  // Without features all scores are 0, whatever they are multiplied by.
  p.scale = query.size(-1) == 0 ? 1 : o.scale.value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  if (o.attn_mask.defined()) {
    const Shape scores = with_matrix(leading.query, query.size(-2), key.size(-2));
    if (broadcast_shapes(o.attn_mask.sizes(), scores, name) != scores) {
      throw Error(name,
                  fmt::format("a mask of shape {} for scores of shape {}", to_string(o.attn_mask.sizes()),
                              to_string(scores)),
                  "the mask broadcasts to (..., L, S)");
    }
    const DType type = ops::compute_type(query.dtype());
    const Tensor mask = o.attn_mask.dtype() == boolean ? o.attn_mask : o.attn_mask.to(type);
    p.mask = as_four(mask.expand(scores), leading.query);
  }
  if (o.dropout_p > 0) {  // as dropout() draws
    p.kept = empty({p.query.size(0), p.query.size(1), p.query.size(2), p.key.size(2)}, u8);
    if (o.dropout_p == 1) {
      p.kept.zero_();
    } else {
      fill_bernoulli(p.kept.data<std::uint8_t>(), 1 - o.dropout_p, default_generator());
      p.kept_scale = 1 / (1 - o.dropout_p);
    }
  }
  return p;
}

// ---- out of differentiable operations

// (B, Hkv, S, n) with each head repeated for the query heads that share it.
Tensor repeated(const Tensor& x, std::int64_t group) {
  if (group == 1) return x;
  const Shape s = x.sizes();
  return x.unsqueeze(2).expand({s[0], s[1], group, s[2], s[3]}).reshape({s[0], s[1] * group, s[2], s[3]});
}
// Its reverse, for gradients.
Tensor summed(const Tensor& x, std::int64_t group) {
  if (group == 1) return x;
  const Shape s = x.sizes();
  return x.reshape({s[0], s[1] / group, group, s[2], s[3]}).sum(2);
}

// softmax over the last dimension; 0 where all scores are -inf.
Tensor softmax_or_zero(const Tensor& scores) {
  const Tensor hidden = (scores.detach() == -infinity).all(-1, true);
  return softmax(scores.masked_fill(hidden, 0), -1).masked_fill(hidden, 0);
}

// (B, H, L, S), before dropout.
Tensor weights_of(const Problem& p) {
  Tensor scores = matmul(p.query * p.scale, repeated(p.key, p.group()).transpose(-2, -1));
  if (p.causal) {
    const Tensor seen = ones({p.query.size(2), p.key.size(2)}, boolean).tril();
    scores = scores.masked_fill(seen.logical_not(), -infinity);
  }
  if (!p.mask.defined()) return softmax(scores, -1);  // every query sees a key, if there is one
  return softmax_or_zero(p.mask.dtype() == boolean ? scores.masked_fill(p.mask.logical_not(), -infinity)
                                                   : scores + p.mask);
}

Tensor after_dropout(const Problem& p, const Tensor& weights) {
  return p.kept.defined() ? weights * (p.kept.to(weights.dtype()) * p.kept_scale) : weights;
}

std::array<Tensor, 2> composed(const Problem& p) {
  const Tensor weights = after_dropout(p, weights_of(p));
  return {matmul(weights, repeated(p.value, p.group())), weights};
}

// With W the weights and D the factors of dropout: dV = (W D)^T g, dS = W (g V^T D - rowsum(g V^T D W)).
std::array<Tensor, 3> composed_backward(const Problem& p, const Tensor& grad) {
  const Tensor weights = weights_of(p);
  const Tensor key = repeated(p.key, p.group()), value = repeated(p.value, p.group());
  const Tensor slopes = after_dropout(p, matmul(grad, value.transpose(-2, -1)));
  const Tensor scores = weights * (slopes - (slopes * weights).sum(-1, true)) * p.scale;
  return {matmul(scores, key), summed(matmul(scores.transpose(-2, -1), p.query), p.group()),
          summed(matmul(after_dropout(p, weights).transpose(-2, -1), grad), p.group())};
}

// ---- fused

// x without history as the kernel wants it: its columns contiguous, narrow floats widened. What is saved for
// backward stays narrow.
Tensor in_rows(const Tensor& x) {
  const DType type = ops::compute_type(x.dtype());
  const Tensor y = type == x.dtype() ? x.detach() : ops::convert(x, type);
  return y.strides()[3] == 1 || y.size(3) <= 1 ? y : y.contiguous();
}

// New memory (B, H, rows, columns) with batches, heads and rows in the order in which x has them: what was
// projected from (B, L, H * E) goes back there without a copy.
Tensor empty_ordered_as(const Tensor& x, const Shape& sizes) {
  std::array<int, 4> order{0, 1, 2, 3};
  std::sort(order.begin(), order.begin() + 3, [&](int i, int j) {
    return x.strides()[i] != x.strides()[j] ? x.strides()[i] > x.strides()[j] : i < j;
  });
  Shape stored, back = Shape::filled(4, 0);
  for (int i = 0; i < 4; ++i) {
    stored.push_back(sizes[order[static_cast<std::size_t>(i)]]);
    back[order[static_cast<std::size_t>(i)]] = i;
  }
  return empty(stored, x.dtype()).permute(back);
}

kernels::HeadRows head_rows(const Tensor& x) {
  if (!x.defined()) return {};
  return {x.raw_data(), x.strides()[0], x.strides()[1], x.strides()[2]};
}

// The tensors must outlive the result.
kernels::Attention describe(const Problem& p) {
  kernels::Attention a{.dtype = p.query.dtype(),
                       .batch = p.query.size(0),
                       .heads = p.query.size(1),
                       .kv_heads = p.key.size(1),
                       .queries = p.query.size(2),
                       .keys = p.key.size(2),
                       .features = p.query.size(3),
                       .value_features = p.value.size(3),
                       .query = head_rows(p.query),
                       .key = head_rows(p.key),
                       .value = head_rows(p.value),
                       .scale = p.scale,
                       .causal = p.causal};
  if (p.mask.defined()) {
    a.mask = p.mask.raw_data();
    a.mask_is_bytes = p.mask.dtype() == boolean;
    std::copy(p.mask.strides().begin(), p.mask.strides().end(), a.mask_strides);
  }
  if (p.kept.defined()) {
    a.kept = p.kept.data<std::uint8_t>().data();
    a.kept_scale = p.kept_scale;
  }
  return a;
}

std::array<Tensor, 3> fused_backward(Problem p, const Tensor& out, const Tensor& log_sum, const Tensor& grad,
                                     const Node& node) {
  p.query = in_rows(p.query);
  p.key = in_rows(p.key);
  p.value = in_rows(p.value);
  const Tensor y = in_rows(out), g = in_rows(grad);
  std::array<Tensor, 3> grads;
  const std::array<const Tensor*, 3> inputs{&p.query, &p.key, &p.value};
  for (std::size_t i = 0; i < 3; ++i) {
    if (node.needs(i)) grads[i] = empty_ordered_as(*inputs[i], inputs[i]->sizes());
  }
  kernels::attention_backward(describe(p), head_rows(y), head_rows(g), log_sum.raw_data(),
                              head_rows(grads[0]), head_rows(grads[1]), head_rows(grads[2]));
  return grads;
}

Tensor fused(const Problem& given) {
  Problem p = given;
  p.query = in_rows(p.query);
  p.key = in_rows(p.key);
  p.value = in_rows(p.value);
  Tensor y = empty_ordered_as(p.query, {p.query.size(0), p.query.size(1), p.query.size(2), p.value.size(3)});
  const Tensor log_sum = empty({p.query.size(0), p.query.size(1), p.query.size(2)}, p.query.dtype());
  kernels::attention(describe(p), head_rows(y), log_sum.raw_data());
  if (const DType given_type = given.query.dtype(); given_type != y.dtype()) y = ops::convert(y, given_type);
  if (!recording(given.query, given.key, given.value)) return y;
  p.query = p.key = p.value = Tensor();
  return record("scaled_dot_product_attention", y, {&given.query, &given.key, &given.value},
                [p, log_sum, query = Saved(given.query), key = Saved(given.key), value = Saved(given.value),
                 mask = Saved(given.mask),
                 out = SavedOutput(y)](const Node& node, const Tensor& grad) -> std::array<Tensor, 3> {
                  Problem whole = p;
                  whole.query = query.get(node);
                  whole.key = key.get(node);
                  whole.value = value.get(node);
                  if (mask.defined()) whole.mask = mask.get(node);
                  if (autograd::grad_enabled()) {
                    const DType type = ops::compute_type(grad.dtype());
                    for (Tensor* x : {&whole.query, &whole.key, &whole.value}) *x = x->to(type);
                    return composed_backward(whole, grad.to(type));
                  }
                  return fused_backward(whole, out.get(node), log_sum, grad, node);
                });
}

// The shape that the caller expects.
Tensor with_leading(const Tensor& x, const Shape& leading) {
  const Shape sizes = with_matrix(leading, x.size(-2), x.size(-1));
  return x.sizes() == sizes ? x : x.reshape(sizes);
}

}  // namespace

namespace detail {

Tensor attention(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(attention, name, query, key, value, o);
  check(name, query, key, value, o);
  const bool trains_mask = o.attn_mask.defined() && recording(o.attn_mask);
  if (trains_mask && ops::compute_type(query.dtype()) != query.dtype())
    return attention(name, query.to(f32), key.to(f32), value.to(f32), o).to(query.dtype());
  const Leading leading = leading_dimensions(name, query, key, value, o.enable_gqa);
  const Problem p = describe(name, query, key, value, leading, o);
  return with_leading(trains_mask ? composed(p)[0] : fused(p), leading.query);
}

std::array<Tensor, 2> attention_with_weights(const char* name, const Tensor& query, const Tensor& key,
                                             const Tensor& value, const AttentionOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(attention_with_weights, name, query, key, value, o);
  check(name, query, key, value, o);
  if (ops::compute_type(query.dtype()) != query.dtype()) {
    const auto [y, weights] = attention_with_weights(name, query.to(f32), key.to(f32), value.to(f32), o);
    return {y.to(query.dtype()), weights.to(query.dtype())};
  }
  const Leading leading = leading_dimensions(name, query, key, value, o.enable_gqa);
  const auto [y, weights] = composed(describe(name, query, key, value, leading, o));
  return {with_leading(y, leading.query), with_leading(weights, leading.query)};
}

namespace {
template <std::size_t N> std::array<Tensor, N> equal_parts(const Tensor& x) {
  const std::int64_t size = x.size(-1) / static_cast<std::int64_t>(N);
  const bool tracked = recording(x);
  const Tensor source = tracked ? x.detach() : x;
  std::array<Tensor, N> parts;
  for (std::size_t i = 0; i < N; ++i) parts[i] = source.narrow(-1, static_cast<std::int64_t>(i) * size, size);
  if (!tracked) return parts;
  record_several<N>(
      "split", parts, {&x},
      [sizes = parts[0].sizes(), dtype = x.dtype()](const Node&, std::span<const Tensor> grads) {
        std::array<Tensor, N> all;
        for (std::size_t i = 0; i < N; ++i) all[i] = grads[i].defined() ? grads[i] : zeros(sizes, dtype);
        return std::array<Tensor, 1>{cat(all, -1)};
      });
  return parts;
}
}  // namespace

std::array<Tensor, 2> halves(const Tensor& x) { return equal_parts<2>(x); }
std::array<Tensor, 3> thirds(const Tensor& x) { return equal_parts<3>(x); }

}  // namespace detail

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& o) {
  if (o.is_causal && o.attn_mask.defined()) {
    throw Error("scaled_dot_product_attention", "a mask and is_causal",
                "give one of them: put the causal mask into attn_mask with logical_and, or -inf");
  }
  return detail::attention("scaled_dot_product_attention", query, key, value, o);
}

}  // namespace mica
