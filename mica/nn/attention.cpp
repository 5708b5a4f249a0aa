#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <mica/nn/attention.h>
#include <mica/nn/init.h>
#include <mica/ops/attention.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void normal_as_xavier(const Tensor& x) {
  const auto [in, out] = init::fans(x);
  init::normal_(x, 0, std::sqrt(2.0 / static_cast<double>(in + out)));
}

// Sizes of one call.
struct Sizes {
  std::int64_t batch, queries, keys;
};

void check_mask(const char* what, const Tensor& mask, std::initializer_list<Shape> expected) {
  if (!mask.defined()) return;
  if (mask.dtype() != boolean && !mica::is_floating_point(mask.dtype())) {
    throw Error("MultiheadAttention", fmt::format("{} of {}", what, mica::name(mask.dtype())),
                "bool, where true is ignored, or numbers to be added to the scores");
  }
  std::string shapes;
  for (const Shape& shape : expected) {
    if (mask.sizes() == shape) return;
    shapes += (shapes.empty() ? "" : " or ") + mica::to_string(shape);
  }
  throw Error("MultiheadAttention",
              fmt::format("{} of shape {}, expected {}", what, mica::to_string(mask.sizes()), shapes));
}

Tensor as_numbers(const Tensor& mask, DType dtype) {
  if (mask.dtype() != boolean) return mask.to(dtype);
  return zeros(mask.sizes(), dtype).masked_fill(mask, -infinity);
}

// Both of them, each undefined or true (-inf) where a key is ignored.
Tensor merge(const Tensor& a, const Tensor& b, DType dtype) {
  if (!a.defined()) return b;
  if (!b.defined()) return a;
  if (a.dtype() == boolean && b.dtype() == boolean) return logical_or(a, b);
  return as_numbers(a, dtype) + as_numbers(b, dtype);
}

// `count` more keys that all queries see.
Tensor more_keys(const Tensor& mask, std::int64_t count) {
  if (!mask.defined() || count == 0) return mask;
  Shape sizes = mask.sizes();
  sizes[sizes.size() - 1] = count;
  return cat({mask, zeros(sizes, mask.dtype())}, -1);
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t dim, std::int64_t heads,
                                       const MultiheadAttentionOptions& o)
    : embed_dim(dim),
      num_heads(heads),
      kdim(o.kdim.value_or(dim)),
      vdim(o.vdim.value_or(dim)),
      dropout(o.dropout),
      add_zero_attn(o.add_zero_attn),
      batch_first(o.batch_first) {
  detail::forbid_construction_inside_forward("nn::MultiheadAttention");
  if (dim <= 0 || heads <= 0 || kdim <= 0 || vdim <= 0) {
    throw Error("MultiheadAttention",
                fmt::format("embed_dim {}, num_heads {}, kdim {} and vdim {} must be positive", dim, heads,
                            kdim, vdim));
  }
  if (dim % heads != 0) {
    throw Error("MultiheadAttention", fmt::format("num_heads {} does not divide embed_dim {}", heads, dim),
                "each head gets embed_dim / num_heads features");
  }
  if (!(dropout >= 0 && dropout <= 1))
    throw Error("MultiheadAttention", fmt::format("dropout {} is not between 0 and 1", dropout));
  const auto parameter = [&](const Shape& sizes) { return Parameter(empty(sizes, o.dtype)); };
  if (kdim == dim && vdim == dim) {
    in_proj_weight = parameter({3 * dim, dim});
  } else {
    q_proj_weight = parameter({dim, dim});
    k_proj_weight = parameter({dim, kdim});
    v_proj_weight = parameter({dim, vdim});
  }
  if (o.bias) in_proj_bias = parameter(Shape(3 * dim));
  if (o.add_bias_kv) {
    bias_k = parameter({1, 1, dim});
    bias_v = parameter({1, 1, dim});
  }
  out_proj = detail::NonDynamicallyQuantizableLinear(dim, dim, {.bias = o.bias, .dtype = o.dtype});
  reset_parameters();
}

void MultiheadAttention::reset_parameters() {
  for (const Parameter* weight : {&in_proj_weight, &q_proj_weight, &k_proj_weight, &v_proj_weight})
    if (weight->defined()) init::xavier_uniform_(*weight);
  if (in_proj_bias.defined()) {
    init::zeros_(in_proj_bias);
    init::zeros_(out_proj.bias);
  }
  if (bias_k.defined()) {
    normal_as_xavier(bias_k);
    normal_as_xavier(bias_v);
  }
}

// As few products as what is the same allows.
std::array<Tensor, 3> MultiheadAttention::project(const Tensor& query, const Tensor& key,
                                                  const Tensor& value) const {
  const std::int64_t e = embed_dim;
  const auto bias = [&](std::int64_t first, std::int64_t count) {
    return in_proj_bias.defined() ? in_proj_bias.narrow(0, first, count) : Tensor();
  };
  if (!in_proj_weight.defined()) {
    return {linear(query, q_proj_weight, bias(0, e)), linear(key, k_proj_weight, bias(e, e)),
            linear(value, v_proj_weight, bias(2 * e, e))};
  }
  if (key.is_same(value) && query.is_same(key))
    return mica::detail::thirds(linear(query, in_proj_weight, in_proj_bias));
  const auto part = [&](const Tensor& x, std::int64_t first, std::int64_t count) {
    return linear(x, in_proj_weight.narrow(0, first, count), bias(first, count));
  };
  if (!key.is_same(value)) return {part(query, 0, e), part(key, e, e), part(value, 2 * e, e)};
  const auto [k, v] = mica::detail::halves(part(key, e, 2 * e));
  return {part(query, 0, e), k, v};
}

std::tuple<Tensor, Tensor> MultiheadAttention::operator()(const Tensor& query, const Tensor& key,
                                                          const Tensor& value,
                                                          const MultiheadAttentionCall& call) {
  return Module::operator()(query, key, value, call);
}

std::tuple<Tensor, Tensor> MultiheadAttention::forward(const Tensor& query, const Tensor& key,
                                                       const Tensor& value,
                                                       const MultiheadAttentionCall& call) {
  const std::int64_t rank = query.dim();
  const int batch_dim = batch_first ? 0 : 1;
  if ((rank != 2 && rank != 3) || key.dim() != rank || value.dim() != rank || query.size(-1) != embed_dim ||
      key.size(-1) != kdim || value.size(-1) != vdim || key.size(0) != value.size(0) ||
      (rank == 3 && (key.size(1) != value.size(1) || query.size(batch_dim) != key.size(batch_dim)))) {
    const char* shapes = batch_first
                             ? "query is (N, L, {}), key (N, S, {}), value (N, S, {}), or all without N"
                             : "query is (L, N, {}), key (S, N, {}), value (S, N, {}), or all without N";
    throw Error("MultiheadAttention",
                fmt::format("query {}, key {}, value {} do not fit", mica::to_string(query.sizes()),
                            mica::to_string(key.sizes()), mica::to_string(value.sizes())),
                fmt::format(fmt::runtime(shapes), embed_dim, kdim, vdim));
  }
  if (rank == 2) {
    const auto batched = [&](const Tensor& x) { return x.unsqueeze(batch_dim); };
    const Tensor q = batched(query), k = key.is_same(query) ? q : batched(key);
    MultiheadAttentionCall one = call;
    if (one.key_padding_mask.defined()) {
      check_mask("key_padding_mask", one.key_padding_mask, {Shape(key.size(0))});
      one.key_padding_mask = one.key_padding_mask.unsqueeze(0);
    }
    const auto [y, weights] = forward(q, k, value.is_same(key) ? k : batched(value), one);
    return {y.squeeze(batch_dim), weights.defined() ? weights.squeeze(0) : weights};
  }
  const int length_dim = 1 - batch_dim;
  const Sizes s{
      .batch = query.size(batch_dim), .queries = query.size(length_dim), .keys = key.size(length_dim)};
  check_mask("attn_mask", call.attn_mask, {{s.queries, s.keys}, {s.batch * num_heads, s.queries, s.keys}});
  check_mask("key_padding_mask", call.key_padding_mask, {{s.batch, s.keys}});

  auto [q, k, v] = project(query, key, value);
  std::int64_t added = 0;
  const auto add_key = [&](const Tensor& of_keys, const Tensor& of_values) {  // (1, 1, E)
    const Shape one = batch_first ? Shape{s.batch, 1, embed_dim} : Shape{1, s.batch, embed_dim};
    k = cat({k, of_keys.expand(one)}, length_dim);
    v = cat({v, of_values.expand(one)}, length_dim);
    ++added;
  };
  if (bias_k.defined()) add_key(bias_k, bias_v);
  if (add_zero_attn) {
    const Tensor nothing = zeros({1, 1, embed_dim}, q.dtype());
    add_key(nothing, nothing);
  }

  // The mask says all there is to say, unless causality alone or as a hint says it cheaper.
  Tensor mask = call.attn_mask;
  bool causal =
      call.is_causal && (!mask.defined() || (!call.need_weights && !call.key_padding_mask.defined()));
  if (causal) {
    mask = added == 0 ? Tensor() : ones({s.queries, s.keys}, boolean).tril().logical_not();
    causal = added == 0;
  }
  if (mask.defined() && mask.dim() == 3) mask = mask.reshape({s.batch, num_heads, s.queries, s.keys});
  Tensor padding = call.key_padding_mask;
  if (padding.defined()) padding = padding.reshape({s.batch, 1, 1, s.keys});
  mask = more_keys(merge(mask, padding, q.dtype()), added);
  if (mask.defined() && mask.dtype() == boolean) mask = mask.logical_not();

  // (N, H, L, E / H)
  const auto heads = [&](const Tensor& x) {
    const Tensor split = x.reshape({x.size(0), x.size(1), num_heads, embed_dim / num_heads});
    return batch_first ? split.transpose(1, 2) : split.permute({1, 2, 0, 3});
  };
  const AttentionOptions options{
      .attn_mask = mask, .dropout_p = mode.training ? dropout : 0, .is_causal = causal};
  Tensor y, weights;
  if (call.need_weights) {
    std::array<Tensor, 2> both =
        mica::detail::attention_with_weights("MultiheadAttention", heads(q), heads(k), heads(v), options);
    y = both[0];
    weights = call.average_attn_weights ? both[1].mean(1) : both[1];
  } else {
    y = mica::detail::attention("MultiheadAttention", heads(q), heads(k), heads(v), options);
  }
  y = batch_first ? y.transpose(1, 2) : y.permute({2, 0, 1, 3});
  return {out_proj(y.reshape(query.sizes())), weights};
}

std::int64_t MultiheadAttention::flops(const Arguments& args, const Value&) const {
  const Tensor &query = args.tensor(0), &key = args.tensor(1);
  const std::int64_t queries = query.numel() / embed_dim, keys = key.numel() / kdim;  // of all the batch
  const std::int64_t own_keys = query.dim() == 2 ? key.size(0) : key.size(batch_first ? 1 : 0);
  const std::int64_t extra = (bias_k.defined() ? 1 : 0) + (add_zero_attn ? 1 : 0);
  return 2 * embed_dim * (queries * embed_dim + keys * (kdim + vdim) + 2 * queries * (own_keys + extra));
}

}  // namespace mica::nn
