#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/detail.h>
#include <mica/ops/map.h>
#include <mica/ops/sigmoidal.h>

namespace mica {

using detail::map_as;

Tensor silu(Tensor x) {
  ops::check_floating("silu", x);
  return map_as("silu", std::move(x), [](auto v) { return v * sigmoid(v); });
}

// tanh(log(1 + e^x)) is n / (n + 2) with n = e^x (e^x + 2). For positive x both are divided by e^2x, so that
// nothing overflows.
Tensor mish(Tensor x) {
  ops::check_floating("mish", x);
  return map_as("mish", std::move(x), [](auto v) {
    const auto e = exp(where(v < 0, v, -v));
    const auto n = where(v < 0, e * (e + 2), e * 2 + 1);
    return v * (n / (n + where(v < 0, 2, e * e * 2)));
  });
}

Tensor hardsigmoid(Tensor x) {
  ops::check_floating("hardsigmoid", x);
  return map_as("hardsigmoid", std::move(x),
                [](auto v) { return where(v <= -3, 0, where(v >= 3, 1, (v + 3) / 6)); });
}

Tensor hardswish(Tensor x) {
  ops::check_floating("hardswish", x);
  return map_as("hardswish", std::move(x), [](auto v) {
    const auto within = where(v <= -3 || v >= 3, 0, v);  // infinite squares would reach the gradient
    return where(v <= -3, 0, where(v >= 3, v, within * ((within + 3) / 6)));
  });
}

Tensor logsigmoid(Tensor x) {
  ops::check_floating("logsigmoid", x);
  return map_as("logsigmoid", std::move(x),
                [](auto v) { return where(v < 0, v, 0) - log1p(exp(where(v < 0, v, -v))); });
}

Tensor softsign(Tensor x) {
  return map_as("softsign", std::move(x), [](auto v) { return v / (abs(v) + 1); });
}

Tensor tanhshrink(Tensor x) {
  return map_as("tanhshrink", std::move(x), [](auto v) { return v - tanh(v); });
}

Tensor glu(const Tensor& x, std::int64_t dim) {
  ops::check_floating("glu", x);
  const int d = wrap_dim(dim, x.sizes().size(), "glu");
  const std::int64_t half = x.sizes().empty() ? 0 : x.sizes()[d] / 2;
  if (x.sizes().empty() || x.sizes()[d] % 2 != 0) {
    throw Error("glu", fmt::format("dimension {} of shape {} has no two halves", dim, to_string(x.sizes())),
                "its size must be even");
  }
  const auto gate = [](auto a, auto b) { return a * sigmoid(b); };
  return detail::trace_and_map("glu", std::make_index_sequence<2>(), gate, x.narrow(d, 0, half),
                               x.narrow(d, half, half));
}

}  // namespace mica
