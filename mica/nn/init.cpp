#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/nn/init.h>
#include <mica/ops/creation.h>
#include <mica/ops/linalg.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/special.h>
#include <mica/tensor/meta.h>

namespace mica::nn::init {

namespace {

// fill(x) without recording. What has no memory (nn::meta) stays so, and draws nothing.
template <class Fill> Tensor filled(Tensor x, Fill fill) {
  if (is_meta(x)) return x;
  const NoGrad no_grad;
  fill(x);
  return x;
}

[[noreturn]] void refuse(const char* name, const Tensor& x, const char* expected) {
  throw Error(name, fmt::format("a tensor of shape {}", to_string(x.sizes())), expected);
}

// PyTorch's order of operations, so that bounds round to the same numbers.
double kaiming_std(const Tensor& x, const Kaiming& o) {
  const Fans f = fans(x);
  const double gain = calculate_gain(o.nonlinearity, o.a);
  return gain / std::sqrt(static_cast<double>(o.mode == FanMode::fan_in ? f.in : f.out));
}
double xavier_std(const Tensor& x, double gain) {
  const Fans f = fans(x);
  return gain * std::sqrt(2.0 / static_cast<double>(f.in + f.out));
}

}  // namespace

Tensor uniform_(Tensor x, double a, double b, Generator& generator) {
  return filled(std::move(x), [&](Tensor& y) { y.uniform_(a, b, generator); });
}

Tensor normal_(Tensor x, double mean, double std, Generator& generator) {
  return filled(std::move(x), [&](Tensor& y) { y.normal_(mean, std, generator); });
}

Tensor trunc_normal_(Tensor x, const TruncNormal& options, Generator& generator) {
  const auto [mean, std, a, b] = options;
  if (!(std > 0 && a <= b)) {
    throw Error("trunc_normal_", fmt::format("std {} within [{}, {}]", std, a, b),
                "std must be positive, and a not above b");
  }
  const auto cumulative = [&](double limit) {
    return (1 + std::erf((limit - mean) / std / std::numbers::sqrt2)) / 2;
  };
  const double low = 2 * cumulative(a) - 1;
  const double high = 2 * cumulative(b) - 1;
  return filled(std::move(x), [&](Tensor& y) {
    y.uniform_(low, high, generator);
    y.copy_(erfinv(y.detach()));
    y.mul_(std * std::numbers::sqrt2).add_(mean).clamp_(a, b);
  });
}

Tensor constant_(Tensor x, double value) {
  return filled(std::move(x), [&](Tensor& y) { y.fill_(value); });
}

Tensor eye_(Tensor x) {
  if (x.dim() != 2) refuse("eye_", x, "expected two dimensions");
  return filled(std::move(x), [](Tensor& y) {
    y.zero_();
    y.detach().diagonal().fill_(1);
  });
}

Tensor dirac_(Tensor x, std::int64_t groups) {
  if (x.dim() < 3 || x.dim() > 5) refuse("dirac_", x, "expected (out, in / groups, kernel...)");
  if (groups < 1 || x.size(0) % groups != 0) {
    throw Error("dirac_", fmt::format("{} output channels in {} groups", x.size(0), groups),
                "the groups must divide the channels");
  }
  return filled(std::move(x), [&](Tensor& y) {
    y.zero_();
    Tensor middle = y.detach();  // of each kernel
    while (middle.dim() > 2) middle = middle.select(2, middle.size(2) / 2);
    const std::int64_t rows = y.size(0) / groups;
    for (std::int64_t g = 0; g < groups; ++g) middle.narrow(0, g * rows, rows).diagonal().fill_(1);
  });
}

Fans fans(const Tensor& weight) {
  if (weight.dim() < 2) {
    throw Error("init", fmt::format("fan in and fan out of a tensor of shape {}", to_string(weight.sizes())),
                "at least two dimensions are needed");
  }
  std::int64_t kernel = 1;
  for (int i = 2; i < weight.sizes().size(); ++i) kernel *= weight.sizes()[i];
  return {weight.sizes()[1] * kernel, weight.sizes()[0] * kernel};
}

double calculate_gain(Nonlinearity nonlinearity, double negative_slope) {
  switch (nonlinearity) {
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid: return 1;
    case Nonlinearity::tanh: return 5.0 / 3;
    case Nonlinearity::relu: return std::sqrt(2.0);
    case Nonlinearity::leaky_relu: return std::sqrt(2.0 / (1 + negative_slope * negative_slope));
    case Nonlinearity::selu: return 3.0 / 4;
  }
  return 1;
}

Tensor xavier_uniform_(Tensor x, double gain, Generator& generator) {
  const double bound = std::sqrt(3.0) * xavier_std(x, gain);
  return uniform_(std::move(x), -bound, bound, generator);
}

Tensor xavier_normal_(Tensor x, double gain, Generator& generator) {
  const double std = xavier_std(x, gain);
  return normal_(std::move(x), 0, std, generator);
}

Tensor kaiming_uniform_(Tensor x, const Kaiming& options, Generator& generator) {
  if (x.numel() == 0) return x;
  const double bound = std::sqrt(3.0) * kaiming_std(x, options);
  return uniform_(std::move(x), -bound, bound, generator);
}

Tensor kaiming_normal_(Tensor x, const Kaiming& options, Generator& generator) {
  if (x.numel() == 0) return x;
  const double std = kaiming_std(x, options);
  return normal_(std::move(x), 0, std, generator);
}

Tensor orthogonal_(Tensor x, double gain, Generator& generator) {
  if (x.dim() < 2) refuse("orthogonal_", x, "expected two dimensions or more");
  if (x.dtype() != f32 && x.dtype() != f64) {
    throw Error("orthogonal_", fmt::format("the tensor is {}", name(x.dtype())), "use f32 or f64");
  }
  if (x.numel() == 0) return x;
  return filled(std::move(x), [&](Tensor& y) {
    const std::int64_t rows = y.size(0);
    const std::int64_t columns = y.numel() / rows;
    Tensor drawn = empty({rows, columns}, y.dtype());
    drawn.normal_(0, 1, generator);
    const bool wide = rows < columns;
    const auto [q, r] = linalg::qr(wide ? drawn.t() : drawn);
    // A diagonal of r that is positive makes q unique, and uniformly distributed (Mezzadri 2007).
    const Tensor signed_q = q * sign(r.diagonal());
    y.copy_((wide ? signed_q.t() : signed_q).reshape(y.sizes()));
    y.mul_(gain);
  });
}

Tensor sparse_(Tensor x, double sparsity, double std, Generator& generator) {
  if (x.dim() != 2) refuse("sparse_", x, "expected two dimensions");
  if (!(sparsity >= 0 && sparsity <= 1))
    throw Error("sparse_", fmt::format("sparsity {} is not in [0, 1]", sparsity));
  return filled(std::move(x), [&](Tensor& y) {
    y.normal_(0, std, generator);
    const auto zeros = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(y.size(0))));
    std::vector<std::int64_t> rows(static_cast<std::size_t>(y.size(0)));
    for (std::int64_t column = 0; column < y.size(1); ++column) {
      fill_randperm(rows, generator);
      const Tensor view = y.detach().select(1, column);
      for (const std::int64_t row : std::span(rows).first(zeros)) view[row].fill_(0);
    }
  });
}

}  // namespace mica::nn::init
