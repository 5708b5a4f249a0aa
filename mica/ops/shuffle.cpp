#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/shuffle.h>

namespace mica {

namespace {

[[noreturn]] void refuse(const char* name, const Tensor& x, const std::string& wanted) {
  throw Error(name, fmt::format("x has the shape {}", to_string(x.sizes())), wanted);
}

// The sizes of x but for its last three, and then others.
Shape with_tail(const Tensor& x, const Shape& tail) {
  Shape sizes;
  for (int i = 0; i + 3 < x.sizes().size(); ++i) sizes.push_back(x.sizes()[i]);
  for (const std::int64_t n : tail) sizes.push_back(n);
  return sizes;
}

void check_factor(const char* name, const Tensor& x, std::int64_t r) {
  if (r < 1) throw Error(name, fmt::format("the factor is {}", r), "it must be positive");
  if (x.dim() < 3) refuse(name, x, "expected (..., C, H, W)");
}

}  // namespace

Tensor channel_shuffle(const Tensor& x, std::int64_t groups) {
  if (groups < 1)
    throw Error("channel_shuffle", fmt::format("{} groups", groups), "there must be at least one");
  if (x.dim() < 3) refuse("channel_shuffle", x, "expected (N, C, ...) with three dimensions or more");
  if (x.size(1) % groups != 0) {
    refuse("channel_shuffle", x, fmt::format("{} channels do not divide into {} groups", x.size(1), groups));
  }
  return x.unflatten(1, {groups, x.size(1) / groups}).transpose(1, 2).reshape(x.sizes());
}

Tensor pixel_shuffle(const Tensor& x, std::int64_t r) {
  check_factor("pixel_shuffle", x, r);
  const std::int64_t channels = x.size(-3);
  if (channels % (r * r) != 0) {
    refuse("pixel_shuffle", x, fmt::format("{} channels do not divide by {}", channels, r * r));
  }
  const std::int64_t c = channels / (r * r);
  const std::int64_t h = x.size(-2);
  const std::int64_t w = x.size(-1);
  return x.reshape(with_tail(x, {c, r, r, h, w}))
      .movedim({-4, -3}, {-3, -1})
      .reshape(with_tail(x, {c, h * r, w * r}));
}

Tensor pixel_unshuffle(const Tensor& x, std::int64_t r) {
  check_factor("pixel_unshuffle", x, r);
  if (x.size(-2) % r != 0 || x.size(-1) % r != 0) {
    refuse("pixel_unshuffle", x, fmt::format("height and width must divide by {}", r));
  }
  const std::int64_t c = x.size(-3);
  const std::int64_t h = x.size(-2) / r;
  const std::int64_t w = x.size(-1) / r;
  return x.reshape(with_tail(x, {c, h, r, w, r}))
      .movedim({-3, -1}, {-4, -3})
      .reshape(with_tail(x, {c * r * r, h, w}));
}

}  // namespace mica
