#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/kernels/floating.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/detail.h>
#include <mica/ops/inplace.h>
#include <mica/ops/map.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/rectifier.h>

namespace mica {

namespace {

// Where a branch is not taken its argument is replaced, too: an infinite slope times the zero that reaches it
// would be NaN.
template <class F> Tensor each(const char* name, Tensor x, F fn) {
  ops::check_floating(name, x);
  return detail::map_as(name, std::move(x), fn);
}

// scale x where x is positive, else bend (e^(rate x) - 1).
Tensor exponential_unit(const char* name, Tensor x, double scale, double bend, double rate) {
  return each(name, std::move(x),
              [=](auto v) { return where(v <= 0, expm1(where(v <= 0, v, 0) * rate) * bend, v * scale); });
}

}  // namespace

Tensor threshold(Tensor x, double threshold, double value) {
  if (x.is_floating_point()) {
    return each("threshold", std::move(x), [=](auto v) { return where(v <= threshold, value, v); });
  }
  const bool whole = value == std::trunc(value);
  return where(gt(x, threshold), x, whole ? Scalar(static_cast<std::int64_t>(value)) : Scalar(value));
}

Tensor hardtanh(Tensor x, double min_val, double max_val) {
  if (!(min_val <= max_val)) {
    throw Error("hardtanh", fmt::format("min_val {} is not below max_val {}", min_val, max_val));
  }
  if (!x.is_floating_point()) return clamp(x, min_val, max_val);
  return each("hardtanh", std::move(x),
              [=](auto v) { return where(v <= min_val, min_val, where(v >= max_val, max_val, v)); });
}

Tensor relu6(Tensor x) { return hardtanh(std::move(x), 0, 6); }

Tensor elu(Tensor x, double alpha) { return exponential_unit("elu", std::move(x), 1, alpha, 1); }

Tensor selu(Tensor x) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  return exponential_unit("selu", std::move(x), scale, scale * alpha, 1);
}

Tensor celu(Tensor x, double alpha) {
  if (alpha == 0) throw Error("celu", "alpha is 0", "x is divided by it");
  return exponential_unit("celu", std::move(x), 1, alpha, 1 / alpha);
}

Tensor leaky_relu(Tensor x, double negative_slope) {
  return each("leaky_relu", std::move(x), [=](auto v) { return where(v > 0, v, v * negative_slope); });
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(prelu, x, weight);
  ops::check_floating("prelu", x);
  ops::check_same_dtype("prelu", x, "x", weight, "weight");
  const std::int64_t channels = x.dim() >= 2 ? x.size(1) : 1;
  if (weight.dim() > 1 || (weight.numel() != 1 && weight.numel() != channels)) {
    throw Error("prelu",
                fmt::format("weight of shape {} for an x of shape {}", to_string(weight.sizes()),
                            to_string(x.sizes())),
                fmt::format("expected one slope, or {} of them", channels));
  }
  Shape sizes = Shape::filled(static_cast<int>(x.dim()), 1);
  if (x.dim() >= 2) sizes[1] = weight.numel();
  // Where v is positive the slope's gradient is 0, even if v is infinite.
  const auto fn = [](auto v, auto w) { return where(v > 0, v, where(v > 0, 0, v) * w); };
  return detail::trace_and_map("prelu", std::make_index_sequence<2>(), fn, x, weight.reshape(sizes));
}

Tensor rrelu(Tensor x, const RReluOptions& options) {
  const auto [lower, upper, training] = options;
  if (!(lower <= upper && std::isfinite(lower) && std::isfinite(upper))) {
    throw Error("rrelu", fmt::format("slopes between {} and {}", lower, upper),
                "lower must not be above upper");
  }
  ops::check_floating("rrelu", x);
  if (!training) return leaky_relu(std::move(x), (lower + upper) / 2);
  const Tensor given = x.detach().to(ops::compute_type(x.dtype())).contiguous();
  const Tensor slopes = empty(given.sizes(), given.dtype());
  kernels::dispatch_floating("rrelu", given.dtype(), [&]<class T>() {
    const auto to = slopes.data<T>();
    const auto from = given.data<T>();
    const auto low = static_cast<double>(static_cast<T>(options.lower));
    const auto high = static_cast<double>(static_cast<T>(options.upper));
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = from[i] <= 0 ? static_cast<T>(default_generator().uniform_double() * (high - low) + low) : T{1};
    }
  });
  return x * slopes.to(x.dtype());
}

Tensor hardshrink(Tensor x, double lambd) {
  return each("hardshrink", std::move(x), [=](auto v) { return where(v >= -lambd && v <= lambd, 0, v); });
}

Tensor softshrink(Tensor x, double lambd) {
  if (!(lambd >= 0)) throw Error("softshrink", fmt::format("lambd {} is negative", lambd));
  return each("softshrink", std::move(x),
              [=](auto v) { return where(v >= -lambd && v <= lambd, 0, v - where(v > 0, lambd, -lambd)); });
}

Tensor& threshold_(Tensor& x, double threshold, double value) {
  return ops::replace("threshold_", x,
                      [=](Tensor y) { return mica::threshold(std::move(y), threshold, value); });
}
Tensor& hardtanh_(Tensor& x, double min_val, double max_val) {
  return ops::replace("hardtanh_", x, [=](Tensor y) { return hardtanh(std::move(y), min_val, max_val); });
}
Tensor& elu_(Tensor& x, double alpha) {
  return ops::replace("elu_", x, [=](Tensor y) { return elu(std::move(y), alpha); });
}
Tensor& selu_(Tensor& x) { return ops::replace("selu_", x, selu); }
Tensor& celu_(Tensor& x, double alpha) {
  return ops::replace("celu_", x, [=](Tensor y) { return celu(std::move(y), alpha); });
}
Tensor& leaky_relu_(Tensor& x, double negative_slope) {
  return ops::replace("leaky_relu_", x, [=](Tensor y) { return leaky_relu(std::move(y), negative_slope); });
}
Tensor& rrelu_(Tensor& x, const RReluOptions& options) {
  return ops::replace("rrelu_", x, [&](Tensor y) { return rrelu(std::move(y), options); });
}

}  // namespace mica
