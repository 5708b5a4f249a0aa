#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/dropout.h>
#include <mica/ops/map.h>
#include <mica/ops/pointwise.h>

namespace mica {

namespace {

void check(const char* name, const Tensor& x, double p) {
  if (!(p >= 0 && p <= 1)) throw Error(name, fmt::format("probability {} is not between 0 and 1", p));
  ops::check_floating(name, x);
}

void check_dims(const char* name, const Tensor& x, std::initializer_list<std::int64_t> allowed,
                const char* shapes) {
  for (const std::int64_t n : allowed) {
    if (x.dim() == n) return;
  }
  throw Error(name, fmt::format("x has the shape {}", to_string(x.sizes())),
              fmt::format("expected {}", shapes));
}

enum class Over { elements, channels };

// fn(element of x, 1 where it is kept and 0 where it is dropped), once it is clear that some may be.
template <class F> Tensor drop(const char* name, const Tensor& x, double p, bool training, Over over, F fn) {
  if (!training || p == 0 || x.numel() == 0) return x;
  if (p == 1) return x * zeros_like(x.detach());
  Shape sizes = x.sizes();
  for (int i = 2; over == Over::channels && i < sizes.size(); ++i) sizes[i] = 1;
  Tensor kept = empty(sizes, boolean);
  kept.bernoulli_(1 - p);
  return detail::trace_and_map(name, std::make_index_sequence<2>(), fn, x, kept);
}

Tensor scaled(const char* name, const Tensor& x, double p, bool training, Over over) {
  const double scale = 1 / (1 - p);
  return drop(name, x, p, training, over, [=](auto v, auto kept) { return v * (kept * scale); });
}

Tensor shifted(const char* name, const Tensor& x, double p, bool training, Over over) {
  constexpr double alpha = 1.7580993408473766;  // -selu(-infinity)
  const double a = 1 / std::sqrt((alpha * alpha * p + 1) * (1 - p));
  return drop(name, x, p, training, over,
              [=](auto v, auto kept) { return v * (kept * a) + ((kept - 1) * (alpha * a) + alpha * a * p); });
}

// Without a batch there is one sample.
Tensor of_channels(const char* name, const Tensor& x, double p, bool training, bool batched) {
  if (batched || !training) return scaled(name, x, p, training, Over::channels);
  return scaled(name, x.unsqueeze(0), p, training, Over::channels).squeeze(0);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  check("dropout", x, p);
  return scaled("dropout", x, p, training, Over::elements);
}

Tensor dropout1d(const Tensor& x, double p, bool training) {
  check("dropout1d", x, p);
  check_dims("dropout1d", x, {2, 3}, "(C, L) or (N, C, L)");
  return of_channels("dropout1d", x, p, training, x.dim() == 3);
}

Tensor dropout2d(const Tensor& x, double p, bool training) {
  check("dropout2d", x, p);
  check_dims("dropout2d", x, {3, 4}, "(N, C, L) or (N, C, H, W)");
  return of_channels("dropout2d", x, p, training, true);
}

Tensor dropout3d(const Tensor& x, double p, bool training) {
  check("dropout3d", x, p);
  check_dims("dropout3d", x, {4, 5}, "(C, D, H, W) or (N, C, D, H, W)");
  return of_channels("dropout3d", x, p, training, x.dim() == 5);
}

Tensor alpha_dropout(const Tensor& x, double p, bool training) {
  check("alpha_dropout", x, p);
  return shifted("alpha_dropout", x, p, training, Over::elements);
}

Tensor feature_alpha_dropout(const Tensor& x, double p, bool training) {
  check("feature_alpha_dropout", x, p);
  if (x.dim() < 2) check_dims("feature_alpha_dropout", x, {}, "(N, C, ...)");
  return shifted("feature_alpha_dropout", x, p, training, Over::channels);
}

}  // namespace mica
