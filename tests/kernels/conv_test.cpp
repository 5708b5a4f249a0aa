#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/conv.h>
#include <mica/kernels/conv_products.h>

namespace mica::kernels {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t output_size(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                         std::int64_t dilation) {
  return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

Convolution with_outputs(Convolution c) {
  c.out_d = output_size(c.in_d, c.kernel_d, c.stride_d, c.pad_d, c.dilation_d);
  c.out_h = output_size(c.in_h, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h);
  c.out_w = output_size(c.in_w, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w);
  return c;
}

std::int64_t x_count(const Convolution& c) { return c.batch * c.in_channels * c.in_d * c.in_h * c.in_w; }
std::int64_t y_count(const Convolution& c) { return c.batch * c.out_channels * c.out_d * c.out_h * c.out_w; }
std::int64_t weight_count(const Convolution& c) {
  return c.out_channels * (c.in_channels / c.groups) * c.kernel_d * c.kernel_h * c.kernel_w;
}

std::string describe(const Convolution& c) {
  std::string text = "batch " + std::to_string(c.batch);
  const auto add = [&](const char* name, std::int64_t value) {
    text += std::string(" ") + name + " " + std::to_string(value);
  };
  add("in", c.in_channels), add("out", c.out_channels), add("groups", c.groups);
  add("d", c.in_d), add("kd", c.kernel_d), add("sd", c.stride_d), add("pd", c.pad_d), add("dd", c.dilation_d);
  add("h", c.in_h), add("w", c.in_w), add("kh", c.kernel_h), add("kw", c.kernel_w);
  add("sh", c.stride_h), add("sw", c.stride_w), add("ph", c.pad_h), add("pw", c.pad_w);
  add("dh", c.dilation_h), add("dw", c.dilation_w);
  add("x layout", static_cast<int>(c.x_layout)), add("y layout", static_cast<int>(c.y_layout));
  add("threads", num_threads());
  return text;
}

template <class T> struct Operands {
  explicit Operands(const Convolution& c, std::uint32_t seed = 11) : rng(seed) {
    x = values(x_count(c));
    weight = values(weight_count(c));
    bias = values(c.out_channels);
    grad_y = values(y_count(c));
  }
  std::vector<T> values(std::int64_t count) {
    std::vector<T> v(index(count));
    for (T& e : v) e = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(rng));
    return v;
  }
  std::mt19937 rng;
  std::vector<T> x, weight, bias, grad_y;
};

template <class T> struct Results {
  // Poisoned: everything must be written.
  explicit Results(const Convolution& c)
      : y(index(y_count(c)), kPoison),
        grad_x(index(x_count(c)), kPoison),
        grad_weight(index(weight_count(c)), kPoison),
        grad_bias(index(c.out_channels), kPoison) {}
  static constexpr T kPoison = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> y, grad_x, grad_weight, grad_bias;
};

template <class T> Results<T> run(const Convolution& c, const Operands<T>& in, bool has_bias) {
  Results<T> r(c);
  conv(c, in.x.data(), in.weight.data(), has_bias ? in.bias.data() : nullptr, r.y.data());
  conv_backward_input(c, in.grad_y.data(), in.weight.data(), r.grad_x.data());
  conv_backward_weight(c, in.x.data(), in.grad_y.data(), r.grad_weight.data(),
                       has_bias ? r.grad_bias.data() : nullptr);
  return r;
}

template <class T> Results<T> run_reference(const Convolution& c, const Operands<T>& in, bool has_bias) {
  Results<T> r(c);
  reference::conv(c, in.x.data(), in.weight.data(), has_bias ? in.bias.data() : nullptr, r.y.data());
  reference::conv_backward_input(c, in.grad_y.data(), in.weight.data(), r.grad_x.data());
  reference::conv_backward_weight(c, in.x.data(), in.grad_y.data(), r.grad_weight.data(),
                                  has_bias ? r.grad_bias.data() : nullptr);
  return r;
}

// `terms`: how many products each element sums up.
template <class T>
void expect_near(const std::vector<T>& actual, const std::vector<T>& expected, std::int64_t terms,
                 const std::string& what) {
  const double tolerance = std::numeric_limits<T>::epsilon() * static_cast<double>(terms + 2);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual[i]), static_cast<double>(expected[i]), tolerance)
        << what << " element " << i;
  }
}

// The results of matrix products, whether they are the faster way on this machine or not.
Results<float> by_products(const Convolution& c, const Operands<float>& in, bool has_bias, Results<float> r) {
  products::conv(c, in.x.data(), in.weight.data(), has_bias ? in.bias.data() : nullptr, r.y.data());
  if (c.stride_h == 1 && c.stride_w == 1)
    products::conv_backward_input(c, in.grad_y.data(), in.weight.data(), r.grad_x.data());
  products::conv_backward_weight(c, in.x.data(), in.grad_y.data(), r.grad_weight.data(),
                                 has_bias ? r.grad_bias.data() : nullptr);
  return r;
}

void check_results(const Convolution& c, bool has_bias, const Results<float>& actual,
                   const Results<float>& expected) {
  const std::int64_t window = c.kernel_d * c.kernel_h * c.kernel_w;
  const std::int64_t pixels = c.batch * c.out_d * c.out_h * c.out_w;
  const std::string what = describe(c);
  expect_near(actual.y, expected.y, window * c.in_channels / c.groups, "y of " + what);
  expect_near(actual.grad_x, expected.grad_x, window * c.out_channels / c.groups, "grad_x of " + what);
  expect_near(actual.grad_weight, expected.grad_weight, pixels, "grad_weight of " + what);
  if (has_bias) expect_near(actual.grad_bias, expected.grad_bias, pixels, "grad_bias of " + what);
}

void check(const Convolution& c, bool has_bias = true) {
  const Operands<float> in(c);
  const Results<float> actual = run(c, in, has_bias), expected = run_reference(c, in, has_bias);
  check_results(c, has_bias, actual, expected);
  if (!products::applies(c)) return;
  Results<float> r(c);
  r.grad_x = actual.grad_x;  // theirs only with unit strides
  check_results(c, has_bias, by_products(c, in, has_bias, std::move(r)), expected);
}

class Conv : public ::testing::Test {
 protected:
  ~Conv() override { set_num_threads(threads_before_); }
  int threads_before_ = num_threads();
};

constexpr Layout kLayouts[] = {Layout::channels_last, Layout::channels_first};

TEST_F(Conv, AgreesWithPlainLoopsOnRandomShapes) {
  std::mt19937 rng(5);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
  };
  for (int i = 0; i < 60; ++i) {
    set_num_threads(1 + i % 2);
    const std::int64_t groups = i % 4 == 0 ? pick(2, 4) : 1;
    Convolution c{
        .batch = pick(1, 3), .in_channels = groups * pick(1, 9), .out_channels = groups * pick(1, 20)};
    c.groups = groups;
    c.kernel_h = pick(1, 4), c.kernel_w = pick(1, 4);
    c.stride_h = pick(1, 3), c.stride_w = pick(1, 3);
    c.dilation_h = pick(1, 2), c.dilation_w = pick(1, 3);
    c.pad_h = pick(0, c.kernel_h - 1), c.pad_w = pick(0, c.kernel_w - 1);
    c.in_h = c.dilation_h * (c.kernel_h - 1) + pick(1, 12);
    c.in_w = c.dilation_w * (c.kernel_w - 1) + pick(1, 12);
    if (i % 3 == 0) {
      c.kernel_d = pick(1, 3), c.stride_d = pick(1, 3), c.dilation_d = pick(1, 2);
      c.pad_d = pick(0, c.kernel_d - 1), c.in_d = c.dilation_d * (c.kernel_d - 1) + pick(1, 5);
    }
    c.x_layout = kLayouts[pick(0, 1)], c.y_layout = kLayouts[pick(0, 1)];
    ASSERT_NO_FATAL_FAILURE(check(with_outputs(c), pick(0, 1) != 0));
  }
}

TEST_F(Conv, AgreesWithPlainLoopsOnLayersOfModels) {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const Layout layout : kLayouts) {
      const auto layer = [&](std::int64_t in, std::int64_t out, std::int64_t size, std::int64_t kernel,
                             std::int64_t stride, std::int64_t pad, std::int64_t groups) {
        Convolution c{
            .x_layout = layout, .y_layout = layout, .batch = 2, .in_channels = in, .out_channels = out};
        c.groups = groups;
        c.in_h = c.in_w = size, c.kernel_h = c.kernel_w = kernel;
        c.stride_h = c.stride_w = stride, c.pad_h = c.pad_w = pad;
        return with_outputs(c);
      };
      ASSERT_NO_FATAL_FAILURE(check(layer(1, 32, 28, 3, 1, 0, 1)));    // grey images
      ASSERT_NO_FATAL_FAILURE(check(layer(32, 64, 13, 3, 1, 0, 1)));   // small CNN
      ASSERT_NO_FATAL_FAILURE(check(layer(3, 16, 31, 7, 2, 3, 1)));    // ResNet stem
      ASSERT_NO_FATAL_FAILURE(check(layer(100, 37, 9, 3, 1, 1, 1)));   // several blocks of channels
      ASSERT_NO_FATAL_FAILURE(check(layer(64, 40, 9, 1, 1, 0, 1)));    // pointwise
      ASSERT_NO_FATAL_FAILURE(check(layer(24, 48, 9, 1, 2, 0, 1)));    // shortcut
      ASSERT_NO_FATAL_FAILURE(check(layer(32, 32, 10, 3, 1, 1, 32)));  // depthwise
      ASSERT_NO_FATAL_FAILURE(check(layer(5, 10, 10, 3, 2, 1, 5)));    // depthwise, two per channel
      ASSERT_NO_FATAL_FAILURE(check(layer(32, 32, 10, 3, 1, 1, 4)));   // grouped
      ASSERT_NO_FATAL_FAILURE(check(layer(16, 1, 8, 8, 1, 0, 1)));     // one output pixel
    }
  }
}

TEST_F(Conv, LayoutsMayDiffer) {
  for (const Layout x_layout : kLayouts) {
    for (const Layout y_layout : kLayouts) {
      Convolution c{
          .x_layout = x_layout, .y_layout = y_layout, .batch = 2, .in_channels = 5, .out_channels = 7};
      c.in_h = 8, c.in_w = 6, c.kernel_h = 3, c.kernel_w = 2, c.pad_h = 1;
      ASSERT_NO_FATAL_FAILURE(check(with_outputs(c)));
    }
  }
}

// The formula once more, in the words of the header and apart from every layout helper.
TEST_F(Conv, PlainLoopsFollowTheDefinition) {
  Convolution c{.dtype = DType::f64, .y_layout = Layout::channels_first, .batch = 2, .in_channels = 4};
  c.out_channels = 6, c.groups = 2, c.in_h = 7, c.in_w = 8, c.kernel_h = 3, c.kernel_w = 2;
  c.stride_h = 2, c.stride_w = 1, c.pad_h = 1, c.pad_w = 2, c.dilation_h = 2, c.dilation_w = 3;
  c = with_outputs(c);
  const Operands<double> in(c);
  const Results<double> actual = run(c, in, true);
  std::vector<double> y(actual.y.size()), grad_x(actual.grad_x.size()),
      grad_weight(actual.grad_weight.size());
  std::vector<double> grad_bias(actual.grad_bias.size());
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t o = 0; o < 6; ++o) {
      for (std::int64_t oh = 0; oh < c.out_h; ++oh) {
        for (std::int64_t ow = 0; ow < c.out_w; ++ow) {
          const std::size_t at_y = index(((n * 6 + o) * c.out_h + oh) * c.out_w + ow);
          y[at_y] += in.bias[index(o)];
          grad_bias[index(o)] += in.grad_y[at_y];
          for (std::int64_t i = 0; i < 2; ++i) {
            for (std::int64_t kh = 0; kh < 3; ++kh) {
              for (std::int64_t kw = 0; kw < 2; ++kw) {
                const std::int64_t ih = oh * 2 - 1 + kh * 2, iw = ow - 2 + kw * 3;
                if (ih < 0 || ih >= 7 || iw < 0 || iw >= 8) continue;
                const std::size_t at_x = index(((n * 7 + ih) * 8 + iw) * 4 + (o / 3) * 2 + i);
                const std::size_t at_weight = index(((o * 2 + i) * 3 + kh) * 2 + kw);
                y[at_y] += in.x[at_x] * in.weight[at_weight];
                grad_x[at_x] += in.grad_y[at_y] * in.weight[at_weight];
                grad_weight[at_weight] += in.grad_y[at_y] * in.x[at_x];
              }
            }
          }
        }
      }
    }
  }
  expect_near(actual.y, y, 12, "y");
  expect_near(actual.grad_x, grad_x, 18, "grad_x");
  expect_near(actual.grad_weight, grad_weight, 2 * c.out_h * c.out_w, "grad_weight");
  expect_near(actual.grad_bias, grad_bias, 2 * c.out_h * c.out_w, "grad_bias");
}

TEST_F(Conv, EmptyBatchLeavesZeroWeightGradients) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Convolution c{.dtype = dtype, .batch = 0, .in_channels = 3, .out_channels = 4};
    c.in_h = 6, c.in_w = 6, c.kernel_h = 3, c.kernel_w = 3;
    c = with_outputs(c);
    std::vector<double> weight(108, 1.0), grad_weight(108, std::nan("")), grad_bias(4, std::nan(""));
    conv(c, nullptr, weight.data(), nullptr, nullptr);
    conv_backward_input(c, nullptr, weight.data(), nullptr);
    conv_backward_weight(c, nullptr, nullptr, grad_weight.data(), grad_bias.data());
    const auto bytes_are_zero = [&](const std::vector<double>& v, std::size_t count) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(v.data());
      for (std::size_t i = 0; i < count * item_size(dtype); ++i) {
        if (bytes[i] != 0) return false;
      }
      return true;
    };
    EXPECT_TRUE(bytes_are_zero(grad_weight, 108));
    EXPECT_TRUE(bytes_are_zero(grad_bias, 4));
  }
}

TEST_F(Conv, NoInputChannelsGiveTheBias) {
  Convolution c{.batch = 2, .in_channels = 0, .out_channels = 3, .in_h = 2, .in_w = 2};
  c = with_outputs(c);
  const std::vector<float> bias{1, 2, 3};
  std::vector<float> y(24, -1.0F);
  conv(c, nullptr, nullptr, bias.data(), y.data());
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], bias[i % 3]);
}

TEST_F(Conv, WorksInsideAParallelRegion) {
  set_num_threads(2);
  Convolution c{.batch = 4, .in_channels = 16, .out_channels = 32};
  c.in_h = 12, c.in_w = 12, c.kernel_h = 3, c.kernel_w = 3;
  c = with_outputs(c);
  const Operands<float> in(c);
  const Results<float> expected = run_reference(c, in, true);
  std::vector<Results<float>> results(4, Results<float>(c));
  parallel_for(0, 4, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) results[index(i)] = run(c, in, true);
  });
  for (const Results<float>& r : results) {
    expect_near(r.y, expected.y, 144, "y");
    expect_near(r.grad_x, expected.grad_x, 288, "grad_x");
    expect_near(r.grad_weight, expected.grad_weight, 400, "grad_weight");
  }
}

TEST_F(Conv, MoreShapesThanTheCacheHoldsStayCorrect) {
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t width = 1; width <= 300; ++width) {
      const Convolution c{.batch = 1,
                          .in_channels = 1,
                          .out_channels = 1,
                          .in_h = 1,
                          .in_w = width,
                          .out_h = 1,
                          .out_w = width};
      const std::vector<float> x(index(width), 2.0F);
      std::vector<float> y(index(width), -1.0F);
      const float weight = 3;
      conv(c, x.data(), &weight, nullptr, y.data());
      for (const float v : y) ASSERT_EQ(v, 6.0F);
    }
  }
}

TEST_F(Conv, NamesWhatItCannotDo) {
  EXPECT_THROW(conv({.dtype = DType::i32}, nullptr, nullptr, nullptr, nullptr), Error);
}

TEST_F(Conv, SeesZerosBeyondItsInput) {  // what the gradient of a transposed convolution may ask for
  const Convolution c{
      .batch = 1, .in_channels = 1, .out_channels = 1, .in_h = 2, .in_w = 2, .out_h = 3, .out_w = 3};
  const std::vector<float> x{1, 2, 3, 4}, weight{2};
  std::vector<float> y(9, -1.0F);
  conv(c, x.data(), weight.data(), nullptr, y.data());
  EXPECT_EQ(y, (std::vector<float>{2, 4, 0, 6, 8, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace mica::kernels
