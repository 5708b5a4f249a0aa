#include <functional>
#include <numeric>

#include <fmt/core.h>

#include <mica/core/error.h>
#include <mica/core/function_ref.h>
#include <mica/kernels/onednn/convolution.h>
#include <mica/kernels/onednn/plan.h>

namespace mica::kernels::onednn {

namespace {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
constexpr auto float_type = dnnl::memory::data_type::f32;

enum class Pass : std::uint8_t { forward, backward_input, backward_weight };

// The operands as the caller has them, and as oneDNN is to compute with them. Activations are computed in
// channels-last whatever the caller's layout: measured faster than channels-first or oneDNN's blocked
// layouts, reorders included. Weights are few: oneDNN packs them as it likes.
struct Descs {
  Desc x, y, weight, bias;
  ConvolutionDescs inner;
};

Desc image(const Dims& dims, Layout layout) {
  const bool last = layout == Layout::channels_last;
  return {dims, float_type,
          dims.size() == 5 ? (last ? Tag::ndhwc : Tag::ncdhw)
          : last           ? Tag::nhwc
                           : Tag::nchw};
}

// {depth, height, width} of the image, or of the kernel... without a depth that nothing happens in.
Dims with_depth(const Convolution& c, std::int64_t d, std::int64_t h, std::int64_t w) {
  return c.has_depth() ? Dims{d, h, w} : Dims{h, w};
}
Dims joined(Dims first, const Dims& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}
std::int64_t product(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

// Measured, reorders included: channels-last is faster than channels-first and than oneDNN's blocked layouts.
// The exception are pointwise convolutions from channels-first to channels-first, which are one product an
// image.
Layout inner_layout(const Convolution& c) {
  const bool is_pointwise = c.kernel_d * c.kernel_h * c.kernel_w == 1 &&
                            c.stride_d * c.stride_h * c.stride_w == 1 && c.pad_d + c.pad_h + c.pad_w == 0 &&
                            c.groups == 1;
  const bool is_first = c.x_layout == Layout::channels_first && c.y_layout == Layout::channels_first;
  return is_pointwise && is_first ? Layout::channels_first : Layout::channels_last;
}

Descs describe(const Convolution& c, bool has_bias) {
  const Dims in_size = with_depth(c, c.in_d, c.in_h, c.in_w),
             out_size = with_depth(c, c.out_d, c.out_h, c.out_w);
  const Dims x = joined({c.batch, c.in_channels}, in_size), y = joined({c.batch, c.out_channels}, out_size);
  const std::int64_t in = c.in_channels / c.groups, out = c.out_channels / c.groups;
  const Dims weight = joined(c.groups == 1 ? Dims{out, in} : Dims{c.groups, out, in},
                             with_depth(c, c.kernel_d, c.kernel_h, c.kernel_w));
  const Tag weight_tag =
      c.has_depth() ? (c.groups == 1 ? Tag::oidhw : Tag::goidhw) : (c.groups == 1 ? Tag::oihw : Tag::goihw);
  const Layout layout = inner_layout(c);
  // With one channel or one pixel both layouts are the same memory.
  const auto layout_of = [&](std::int64_t channels, const Dims& size, Layout given) {
    return channels == 1 || product(size) == 1 ? layout : given;
  };
  Descs d;
  d.x = image(x, layout_of(c.in_channels, in_size, c.x_layout));
  d.y = image(y, layout_of(c.out_channels, out_size, c.y_layout));
  d.weight = Desc(weight, float_type, weight_tag);
  if (has_bias) d.bias = Desc(Dims{c.out_channels}, float_type, Tag::a);
  d.inner = {.src = image(x, layout),
             .weights = Desc(weight, float_type, Tag::any),
             .bias = d.bias,
             .dst = image(y, layout),
             .strides = with_depth(c, c.stride_d, c.stride_h, c.stride_w),
             .dilates = with_depth(c, c.dilation_d - 1, c.dilation_h - 1, c.dilation_w - 1),
             .padding = with_depth(c, c.pad_d, c.pad_h, c.pad_w)};
  return d;
}

Plan make_forward(const Convolution& c, bool has_bias) {
  const Descs d = describe(c, has_bias);
  const auto forward = make_convolution_forward(d.inner, plan_attributes());
  std::vector<Plan::Operand> inputs{{DNNL_ARG_SRC, d.x, forward.src_desc()},
                                    {DNNL_ARG_WEIGHTS, d.weight, forward.weights_desc()}};
  if (has_bias) inputs.push_back({DNNL_ARG_BIAS, d.bias, d.bias});
  const Plan::Operand output{DNNL_ARG_DST, d.y, forward.dst_desc()};
  return Plan(dnnl::convolution_forward(forward), inputs, {&output, 1}, forward.scratchpad_desc());
}

Plan make_backward_input(const Convolution& c) {
  const Descs d = describe(c, false);
  const auto forward = make_convolution_forward(d.inner, plan_attributes());
  const auto backward = make_convolution_backward_data(d.inner, plan_attributes(), forward);
  const Plan::Operand inputs[] = {{DNNL_ARG_DIFF_DST, d.y, backward.diff_dst_desc()},
                                  {DNNL_ARG_WEIGHTS, d.weight, backward.weights_desc()}};
  const Plan::Operand output{DNNL_ARG_DIFF_SRC, d.x, backward.diff_src_desc()};
  return Plan(dnnl::convolution_backward_data(backward), inputs, {&output, 1}, backward.scratchpad_desc());
}

Plan make_backward_weight(const Convolution& c, bool has_bias) {
  const Descs d = describe(c, has_bias);
  const auto forward = make_convolution_forward(d.inner, plan_attributes());
  const auto backward = make_convolution_backward_weights(d.inner, plan_attributes(), forward);
  const Plan::Operand inputs[] = {{DNNL_ARG_SRC, d.x, backward.src_desc()},
                                  {DNNL_ARG_DIFF_DST, d.y, backward.diff_dst_desc()}};
  std::vector<Plan::Operand> outputs{{DNNL_ARG_DIFF_WEIGHTS, d.weight, backward.diff_weights_desc()}};
  if (has_bias) outputs.push_back({DNNL_ARG_DIFF_BIAS, d.bias, d.bias});
  return Plan(dnnl::convolution_backward_weights(backward), inputs, outputs, backward.scratchpad_desc());
}

using Cache = PlanCache<26>;

Cache::Key make_key(const Convolution& c, Pass pass, bool has_bias, int threads) {
  return {static_cast<std::int64_t>(pass), has_bias, threads, static_cast<std::int64_t>(c.x_layout),
          static_cast<std::int64_t>(c.y_layout), c.batch, c.in_channels, c.out_channels, c.groups, c.in_h,
          c.in_w, c.kernel_h, c.kernel_w, c.stride_h, c.stride_w, c.pad_h, c.pad_w, c.dilation_h,
          c.dilation_w, c.in_d, c.kernel_d, c.stride_d, c.pad_d, c.dilation_d,
          // The output's size follows from the rest, but the caller computed it: a mismatch must not hit the
          // cache.
          c.out_d, c.out_h * (std::int64_t{1} << 32) + c.out_w};
}

bool run(const char* operation, const Convolution& c, Pass pass, bool has_bias, FunctionRef<Plan()> make,
         std::span<const void* const> inputs, std::span<void* const> outputs) {
  thread_local Cache cache;
  const ThreadScope threads(c.batch * c.out_channels * c.out_d * c.out_h * c.out_w *
                            (c.in_channels / c.groups) * c.kernel_d * c.kernel_h * c.kernel_w);
  try {
    Plan* plan = cache.find_or_make(make_key(c, pass, has_bias, threads.count()), make);
    if (plan == nullptr) return false;
    plan->run(inputs, outputs);
    return true;
  } catch (const dnnl::error& e) {
    throw Error(
        operation,
        fmt::format(
            "oneDNN failed on input ({}, {}, {}, {}, {}), kernel {} x {} x {}, output ({}, {}, {}, {}, "
            "{}), groups {}: {}",
            c.batch, c.in_channels, c.in_d, c.in_h, c.in_w, c.kernel_d, c.kernel_h, c.kernel_w, c.batch,
            c.out_channels, c.out_d, c.out_h, c.out_w, c.groups, e.what()));
  }
}

}  // namespace

bool conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y) {
  return run(
      "conv", c, Pass::forward, bias != nullptr, [&] { return make_forward(c, bias != nullptr); },
      std::array{x, weight, bias}, std::array{y});
}

bool conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x) {
  return run(
      "conv_backward_input", c, Pass::backward_input, false, [&] { return make_backward_input(c); },
      std::array{grad_y, weight}, std::array{grad_x});
}

bool conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias) {
  return run(
      "conv_backward_weight", c, Pass::backward_weight, grad_bias != nullptr,
      [&] { return make_backward_weight(c, grad_bias != nullptr); }, std::array{x, grad_y},
      std::array{grad_weight, grad_bias});
}

}  // namespace mica::kernels::onednn
