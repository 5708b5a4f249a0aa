#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/prune.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/index.h>
#include <mica/ops/join.h>
#include <mica/ops/mask.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/sort.h>

namespace mica::nn::prune {

void Amount::check() const {
  if (value_ >= 0 && (is_count_ || value_ <= 1)) return;
  throw Error("prune", fmt::format("an amount of {}", value_),
              "a fraction from 0 to 1, or a number of elements or channels");
}

std::int64_t Amount::of(std::int64_t size) const {
  if (!is_count_) return static_cast<std::int64_t>(std::nearbyint(value_ * static_cast<double>(size)));
  if (value_ > static_cast<double>(size))
    throw Error("prune", fmt::format("an amount of {}, where there are {} left", value_, size));
  return static_cast<std::int64_t>(value_);
}

namespace {

Tensor without(const Tensor& mask, const Tensor& positions) {
  return mask.clone().reshape({-1}).index_fill(0, positions, 0).reshape(mask.sizes());
}

// How many channels along a dimension to prune.
std::int64_t channels_to_prune(const char* operation, const Tensor& x, std::int64_t dim,
                               const Amount& amount) {
  if (x.dim() < 2) {
    throw Error(operation, fmt::format("the member has shape {}", mica::to_string(x.sizes())),
                "channels are slices of two dimensions or more");
  }
  if (dim >= x.dim() || dim < -x.dim())
    throw Error(operation, fmt::format("no dimension {} in shape {}", dim, mica::to_string(x.sizes())));
  return amount.of(x.size(dim));
}

// The mask where the channels with a one are kept.
Tensor with_channels(const Tensor& mask, const Tensor& channels, std::int64_t dim) {
  Shape sizes = Shape::filled(static_cast<int>(mask.dim()), 1);
  sizes[static_cast<int>(dim < 0 ? dim + mask.dim() : dim)] = -1;
  return mask * channels.to(mask.dtype()).view(sizes);
}

Shape dims_but(const Tensor& x, std::int64_t dim) {
  Shape out;
  for (std::int64_t i = 0; i < x.dim(); ++i) {
    if (i != dim && i != dim + x.dim()) out.push_back(i);
  }
  return out;
}

}  // namespace

Tensor RandomUnstructured::compute_mask(const Tensor& scores, const Tensor& mask) const {
  const std::int64_t n = amount_.of(scores.numel());
  if (n == 0) return mask;
  return without(mask, rand_like(scores).reshape({-1}).topk(n).indices);
}

Tensor L1Unstructured::compute_mask(const Tensor& scores, const Tensor& mask) const {
  const std::int64_t n = amount_.of(scores.numel());
  if (n == 0) return mask;
  return without(mask, scores.abs().reshape({-1}).topk(n, -1, false).indices);
}

Tensor RandomStructured::compute_mask(const Tensor& scores, const Tensor& mask) const {
  const std::int64_t n = channels_to_prune("random_structured", scores, dim_, amount_);
  if (n == 0) return mask;
  const Tensor draw = rand(Shape(scores.size(dim_)));
  return with_channels(mask, draw > kthvalue(draw, n).values, dim_);
}

Tensor LnStructured::compute_mask(const Tensor& scores, const Tensor& mask) const {
  const std::int64_t n = channels_to_prune("ln_structured", scores, dim_, amount_);
  if (n == 0) return mask;
  const Tensor norms = scores.norm(n_, dims_but(scores, dim_));
  const Tensor kept = norms.topk(norms.size(0) - n).indices;
  return with_channels(mask, zeros_like(norms).index_fill(0, kept, 1), dim_);
}

Tensor CustomFromMask::compute_mask(const Tensor&, const Tensor& mask) const {
  if (!mask_.defined() || mask_.sizes() != mask.sizes()) {
    throw Error("custom_from_mask", fmt::format("the mask has shape {}, the member {}",
                                                mask_.defined() ? mica::to_string(mask_.sizes()) : "none",
                                                mica::to_string(mask.sizes())));
  }
  return mask * mask_.to(mask.dtype());
}

Tensor Member::value() const {
  return is_pruned() ? mask->to(original->dtype()) * *original : static_cast<const Tensor&>(*own);
}

Member Prunable::member(std::string_view name) const {
  const std::vector<Member> members = members_(const_cast<void*>(module_.address()));
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const Member& m : members) {
    names.push_back(m.name);
    if (m.name != name) continue;
    if (m.is_pruned() || m.own->defined()) return m;
    if (m.own->is_uninitialized()) detail::throw_uninitialized("prune", name, *m.own);
    throw Error("prune", fmt::format("this {} has no {}", type(), name),
                "a layer made without it (bias = false) has nothing to prune");
  }
  throw Error("prune", fmt::format("{} has no parameter \"{}\"", type(), name),
              fmt::format("it has {}", fmt::join(names, ", ")));
}

namespace {

// The mask by a method that sees only what is left.
Tensor combined(const Method& method, const Tensor& scores, const Tensor& mask) {
  switch (method.kind()) {
    case Method::Kind::unstructured: {
      const Tensor left = mask == 1;
      const Tensor part = method.compute_mask(scores.masked_select(left), mask.masked_select(left));
      return masked_scatter(mask, left, part.to(mask.dtype()));
    }
    case Method::Kind::structured: {
      const std::int64_t dim = method.dim();
      if (dim >= mask.dim() || dim < -mask.dim())
        throw Error("prune", fmt::format("no dimension {} in shape {}", dim, mica::to_string(mask.sizes())));
      const Shape others = dims_but(mask, dim);
      const Tensor left = (others.empty() ? mask : mask.sum(others)).ne(0).nonzero().reshape({-1});
      const Tensor part = method.compute_mask(scores.index_select(dim, left), mask.index_select(dim, left));
      return mask.index_copy(dim, left, part.to(mask.dtype()));
    }
    default: return method.compute_mask(scores, mask);
  }
}

}  // namespace

void apply(const Prunable& layer, std::string_view name, const Method& method,
           const Tensor& importance_scores) {
  const NoGrad no_grad;
  const Member m = layer.member(name);
  const Tensor value = m.value().detach();
  if (importance_scores.defined() && importance_scores.sizes() != value.sizes()) {
    throw Error("prune", fmt::format("importance_scores of shape {} for {} of shape {}",
                                     mica::to_string(importance_scores.sizes()), name,
                                     mica::to_string(value.sizes())));
  }
  const Tensor scores = importance_scores.defined() ? importance_scores.detach() : value;
  const Tensor mask = m.is_pruned() ? combined(method, scores, m.mask->detach().clone())
                                    : method.compute_mask(scores, ones_like(value));
  if (!mask.defined() || mask.sizes() != value.sizes()) {
    throw Error("prune", fmt::format("the method made a mask of shape {} for {} of shape {}",
                                     mask.defined() ? mica::to_string(mask.sizes()) : "none", name,
                                     mica::to_string(value.sizes())));
  }
  if (!m.is_pruned()) {
    layer.pruned().emplace_back(name);
    *m.original = std::move(*m.own);
    *m.own = detail::computed_later();
  }
  // Another tensor, not another content: a backward pass may need the mask that was.
  *m.mask = Buffer(mask);
}

void global_unstructured(const std::vector<GlobalMember>& members, const Method& method) {
  if (method.kind() != Method::Kind::unstructured) {
    throw Error("global_unstructured", "the method is not unstructured",
                "channels of different layers cannot be compared: prune them layer by layer");
  }
  if (members.empty()) return;
  const NoGrad no_grad;
  std::vector<Tensor> scores, masks;
  scores.reserve(members.size());
  masks.reserve(members.size());
  for (const GlobalMember& each : members) {
    const Member m = each.layer.member(each.name);
    const Tensor value = m.value().detach();
    const Tensor score = each.importance_scores.defined() ? each.importance_scores.detach() : value;
    if (score.sizes() != value.sizes()) {
      throw Error("global_unstructured",
                  fmt::format("importance_scores of shape {} for {} of shape {}",
                              mica::to_string(score.sizes()), each.name, mica::to_string(value.sizes())));
    }
    scores.push_back(score.reshape({-1}));
    masks.push_back((m.is_pruned() ? m.mask->detach() : ones_like(value)).reshape({-1}));
  }
  const Tensor mask = combined(method, cat(scores), cat(masks));
  std::int64_t begin = 0;
  for (const GlobalMember& each : members) {
    const Shape sizes = each.layer.member(each.name).value().sizes();
    custom_from_mask(each.layer, each.name, mask.narrow(0, begin, sizes.numel()).view(sizes));
    begin += sizes.numel();
  }
}

void remove(const Prunable& layer, std::string_view name) {
  const Member m = layer.member(name);
  if (!m.is_pruned()) {
    throw Error("prune", fmt::format("{} of this {} is not pruned", name, layer.type()),
                layer.pruned().empty() ? "nothing of it is"
                                       : fmt::format("what is: {}", fmt::join(layer.pruned(), ", ")));
  }
  const NoGrad no_grad;
  detail::replace_memory(*m.original, m.value().contiguous(), "prune::remove");
  *m.own = std::move(*m.original);
  *m.original = Parameter();
  *m.mask = Buffer();
  std::erase(layer.pruned(), name);
}

bool is_pruned(const ModuleRef& module) {
  struct V final : Visitor {
    std::map<std::string, int> halves;
    bool found = false;
    void add(std::string whole, std::string_view suffix) {
      if (!whole.ends_with(suffix)) return;
      whole.resize(whole.size() - suffix.size());
      found = ++halves[whole] == 2 || found;
    }
    void parameter(std::string_view name, Parameter&) override { add(path(name), "_orig"); }
    void buffer(std::string_view name, Buffer&) override { add(path(name), "_mask"); }
  } v;
  module.walk(v);
  return v.found;
}

}  // namespace mica::nn::prune
