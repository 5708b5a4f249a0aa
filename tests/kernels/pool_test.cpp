#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/pool.h>

#include "golden.h"
#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using PoolTest = KernelTest<T>;
TYPED_TEST_SUITE(PoolTest, Floating);

std::size_t input_size(const Pool2d& p) {
  return static_cast<std::size_t>(p.batch * p.channels * p.in_h * p.in_w);
}
std::size_t output_size(const Pool2d& p) {
  return static_cast<std::size_t>(p.batch * p.channels * p.out_h * p.out_w);
}

// Sets the output size as PyTorch computes it.
Pool2d with_output(Pool2d p, bool ceil_mode) {
  const auto out = [&](std::int64_t in, std::int64_t k, std::int64_t s, std::int64_t pad, std::int64_t d) {
    const std::int64_t room = in + 2 * pad - d * (k - 1) - 1;
    std::int64_t size = (room + (ceil_mode ? s - 1 : 0)) / s + 1;
    if (ceil_mode && (size - 1) * s >= in + pad) --size;
    return size;
  };
  p.out_h = out(p.in_h, p.kernel_h, p.stride_h, p.pad_h, p.dilation_h);
  p.out_w = out(p.in_w, p.kernel_w, p.stride_w, p.pad_w, p.dilation_w);
  return p;
}

// Sizes around the vector width in both the channels and the columns; every path of both layouts.
template <class Body> void for_each_pool(DType dtype, const Body& body) {
  struct Case {
    std::int64_t batch, channels, h, w, kernel, stride, pad, dilation;
    bool ceil_mode;
  };
  constexpr Case kCases[] = {
      {2, 3, 8, 8, 2, 2, 0, 1, false},   {1, 16, 5, 33, 2, 2, 0, 1, false}, {2, 17, 6, 67, 3, 2, 1, 1, true},
      {1, 5, 7, 70, 3, 1, 1, 1, false},  {3, 33, 9, 9, 3, 3, 1, 1, true},   {1, 2, 11, 64, 3, 2, 1, 2, false},
      {1, 4, 12, 40, 5, 1, 2, 2, false}, {2, 70, 6, 6, 5, 2, 2, 1, false},  {1, 8, 4, 4, 4, 4, 0, 1, false},
      {1, 1, 1, 1, 1, 1, 0, 1, false},   {2, 3, 5, 19, 2, 3, 1, 1, true},   {1, 1, 3, 4, 3, 2, 1, 1, true},
  };
  for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(testing::Message() << c.channels << " x " << c.h << " x " << c.w << " kernel " << c.kernel
                                      << " stride " << c.stride << " dilation " << c.dilation
                                      << (layout == Layout::channels_last ? " channels_last" : ""));
      body(with_output({.dtype = dtype,
                        .layout = layout,
                        .batch = c.batch,
                        .channels = c.channels,
                        .in_h = c.h,
                        .in_w = c.w,
                        .kernel_h = c.kernel,
                        .kernel_w = c.kernel,
                        .stride_h = c.stride,
                        .stride_w = c.stride,
                        .pad_h = c.pad,
                        .pad_w = c.pad,
                        .dilation_h = c.dilation,
                        .dilation_w = c.dilation},
                       c.ceil_mode));
    }
  }
}

// Few different values, so that many are equal.
template <class T> std::vector<T> small_integers(std::size_t count, unsigned seed) {
  auto values = normal_values<T>(static_cast<std::int64_t>(count), seed, 0, 3);
  for (T& v : values) v = std::round(v);
  return values;
}

TYPED_TEST(PoolTest, MaxAgreesWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for_each_pool(dtype_of<T>, [](const Pool2d& p) {
      auto x = small_integers<T>(input_size(p), 1);
      for (const bool special : {false, true}) {
        if (special) {
          for (std::size_t i = 0; i < x.size(); i += 7) x[i] = std::numeric_limits<T>::quiet_NaN();
          for (std::size_t i = 3; i < x.size(); i += 2) x[i] = -std::numeric_limits<T>::infinity();
        }
        std::vector<T> y(output_size(p)), y_ref(y.size()), alone(y.size());
        std::vector<std::int32_t> indices(y.size()), indices_ref(y.size());
        max_pool2d(p, x.data(), y.data(), indices.data());
        reference::max_pool2d(p, x.data(), y_ref.data(), indices_ref.data());
        expect_close(y, y_ref, 0, 0);
        EXPECT_EQ(indices, indices_ref);
        max_pool2d(p, x.data(), alone.data(), nullptr);
        expect_close(alone, y_ref, 0, 0);
      }
    });
  });
}

TYPED_TEST(PoolTest, AverageAgreesWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for_each_pool(dtype_of<T>, [](Pool2d p) {
      p.dilation_h = p.dilation_w = 1;
      p = with_output(p, true);
      const auto x = normal_values<T>(static_cast<std::int64_t>(input_size(p)), 2);
      for (const bool include : {true, false}) {
        for (const std::int64_t divisor : {0, 3}) {
          p.count_include_pad = include;
          p.divisor_override = divisor;
          std::vector<T> y(output_size(p)), y_ref(y.size());
          avg_pool2d(p, x.data(), y.data());
          reference::avg_pool2d(p, x.data(), y_ref.data());
          expect_close(y, y_ref, kTolerance<T>, kTolerance<T>);
        }
      }
    });
  });
}

std::size_t at(const Pool2d& p, std::int64_t plane, std::int64_t pixel, std::int64_t pixels) {
  const std::int64_t n = plane / p.channels, c = plane % p.channels;
  return static_cast<std::size_t>(p.layout == Layout::channels_last ? (n * pixels + pixel) * p.channels + c
                                                                    : plane * pixels + pixel);
}

TYPED_TEST(PoolTest, MaxBackwardAddsTheGradientWhereTheMaximumWas) {
  using T = TypeParam;
  for_each_target([] {
    for_each_pool(dtype_of<T>, [](const Pool2d& p) {
      const auto x = small_integers<T>(input_size(p), 3);
      const auto grad = small_integers<T>(output_size(p), 4);
      std::vector<T> y(grad.size()), grad_x(x.size(), T(99)), expected(x.size());
      std::vector<std::int32_t> indices(y.size());
      max_pool2d(p, x.data(), y.data(), indices.data());
      const std::int64_t in = p.in_h * p.in_w, out = p.out_h * p.out_w;
      for (std::int64_t plane = 0; plane < p.batch * p.channels; ++plane) {
        for (std::int64_t o = 0; o < out; ++o) {
          const std::size_t from = at(p, plane, o, out);
          expected[at(p, plane, indices[from], in)] += grad[from];
        }
      }
      for (const int threads : {1, 3}) {
        const Threads guard(threads);
        max_pool2d_backward(p, grad.data(), indices.data(), grad_x.data());
        EXPECT_EQ(grad_x, expected);
      }
    });
  });
}

// The backward pass is the transpose of the forward pass: <avg(x), g> == <x, backward(g)> for all x and g.
TYPED_TEST(PoolTest, AverageBackwardIsTheTransposeOfForward) {
  using T = TypeParam;
  for_each_target([] {
    for_each_pool(dtype_of<T>, [](Pool2d p) {
      p.dilation_h = p.dilation_w = 1;
      p = with_output(p, true);
      p.count_include_pad = false;
      const auto x = normal_values<T>(static_cast<std::int64_t>(input_size(p)), 5);
      const auto grad = normal_values<T>(static_cast<std::int64_t>(output_size(p)), 6);
      std::vector<T> y(grad.size()), grad_x(x.size(), T(99));
      avg_pool2d(p, x.data(), y.data());
      for (const int threads : {1, 3}) {
        const Threads guard(threads);
        avg_pool2d_backward(p, grad.data(), grad_x.data());
        double left = 0, right = 0, scale = 0;
        for (std::size_t i = 0; i < y.size(); ++i)
          left += static_cast<double>(y[i]) * static_cast<double>(grad[i]);
        for (std::size_t i = 0; i < x.size(); ++i) {
          right += static_cast<double>(x[i]) * static_cast<double>(grad_x[i]);
          scale += std::abs(static_cast<double>(x[i]) * static_cast<double>(grad_x[i]));
        }
        EXPECT_NEAR(left, right, kTolerance<T> * (1 + scale));
      }
    });
  });
}

std::vector<double> transposed(const std::vector<double>& values, std::int64_t channels) {
  const auto c = static_cast<std::size_t>(channels);
  const std::size_t pixels = values.size() / c;
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) result[i % pixels * c + i / pixels] = values[i];
  return result;
}

TEST(PoolTest, AgreesWithPyTorchInBothLayouts) {
  for (const auto& g : read_golden("kernels_nn.json")["pool"]) {
    for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
      const Pool2d p{.dtype = f64,
                     .layout = layout,
                     .batch = 1,
                     .channels = g["x_shape"][1],
                     .in_h = g["x_shape"][2],
                     .in_w = g["x_shape"][3],
                     .out_h = g["y_shape"][2],
                     .out_w = g["y_shape"][3],
                     .kernel_h = g["kernel"][0],
                     .kernel_w = g["kernel"][1],
                     .stride_h = g["stride"][0],
                     .stride_w = g["stride"][1],
                     .pad_h = g["padding"][0],
                     .pad_w = g["padding"][1],
                     .dilation_h = g["dilation"][0],
                     .dilation_w = g["dilation"][1],
                     .count_include_pad = g.value("count_include_pad", true),
                     .divisor_override = g.value("divisor", 0)};
      const auto laid_out = [&](const char* name) {
        const auto values = numbers<double>(g[name]);
        return layout == Layout::channels_last ? transposed(values, p.channels) : values;
      };
      const auto x = laid_out("x"), grad = laid_out("grad");
      std::vector<double> y(output_size(p)), grad_x(x.size());
      if (g["kind"] == "max") {
        std::vector<std::int32_t> indices(y.size());
        max_pool2d(p, x.data(), y.data(), indices.data());
        EXPECT_EQ(std::vector<double>(indices.begin(), indices.end()), laid_out("indices"));
        max_pool2d_backward(p, grad.data(), indices.data(), grad_x.data());
      } else {
        avg_pool2d(p, x.data(), y.data());
        avg_pool2d_backward(p, grad.data(), grad_x.data());
      }
      expect_close(y, laid_out("y"), 1e-14, 0);
      expect_close(grad_x, laid_out("grad_x"), 1e-14, 1e-14);
    }
  }
}

TEST(PoolTest, AWindowWithoutPixelsPicksNothing) {
  for_each_target([] {
    for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
      // Both rows of the dilated window, -1 and 1, lie outside.
      const Pool2d p{.layout = layout,
                     .batch = 1,
                     .channels = 1,
                     .in_h = 1,
                     .in_w = 3,
                     .out_h = 1,
                     .out_w = 3,
                     .kernel_h = 2,
                     .pad_h = 1,
                     .dilation_h = 2};
      const std::vector<float> x{1, 2, 3}, grad{1, 1, 1};
      std::vector<float> y(3), grad_x(3, 5);
      std::vector<std::int32_t> indices(3);
      max_pool2d(p, x.data(), y.data(), indices.data());
      EXPECT_EQ(y, std::vector<float>(3, -std::numeric_limits<float>::infinity()));
      EXPECT_EQ(indices, std::vector<std::int32_t>(3, -1));
      max_pool2d_backward(p, grad.data(), indices.data(), grad_x.data());
      EXPECT_EQ(grad_x, std::vector<float>(3));
    }
  });
}

TEST(PoolTest, DoesNothingForAnEmptyBatch) {
  for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
    for (const auto& [batch, channels] : {std::pair{0, 3}, std::pair{2, 0}}) {
      const Pool2d p{.layout = layout,
                     .batch = batch,
                     .channels = channels,
                     .in_h = 4,
                     .in_w = 4,
                     .out_h = 4,
                     .out_w = 4};
      float untouched = 1;
      max_pool2d(p, &untouched, &untouched, nullptr);
      max_pool2d_backward(p, &untouched, nullptr, &untouched);
      avg_pool2d(p, &untouched, &untouched);
      avg_pool2d_backward(p, &untouched, &untouched);
      EXPECT_EQ(untouched, 1);
    }
  }
}

}  // namespace
}  // namespace mica::kernels
