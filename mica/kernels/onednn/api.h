// oneDNN's C++ API, and everything in which versions 2 and 3 of it differ. Only files of this folder include
// it.
#pragma once

#include <dnnl.hpp>

namespace mica::kernels::onednn {

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

inline dnnl::stream& stream() {
  thread_local dnnl::stream in_order(engine());
  return in_order;
}

// A bias that is a default-constructed descriptor is no bias.
struct MatmulDescs {
  dnnl::memory::desc src, weights, bias, dst;
};
struct ConvolutionDescs {
  dnnl::memory::desc src, weights, bias, dst;
  dnnl::memory::dims strides, dilates, padding;  // oneDNN's dilation 0 is everybody else's 1
};

inline constexpr auto convolution_algorithm = dnnl::algorithm::convolution_direct;
inline constexpr auto convolution_propagation = dnnl::prop_kind::forward_training;

#if DNNL_VERSION_MAJOR >= 3
// Version 3 has no operation descriptors: a primitive descriptor takes the engine and all arguments.

inline dnnl::matmul::primitive_desc make_matmul(const MatmulDescs& d, const dnnl::primitive_attr& attr) {
  return {engine(), d.src, d.weights, d.bias, d.dst, attr};
}

inline dnnl::convolution_forward::primitive_desc make_convolution_forward(const ConvolutionDescs& d,
                                                                          const dnnl::primitive_attr& attr) {
  return {engine(),
          convolution_propagation,
          convolution_algorithm,
          d.src,
          d.weights,
          d.bias,
          d.dst,
          d.strides,
          d.dilates,
          d.padding,
          d.padding,
          attr};
}

inline dnnl::convolution_backward_data::primitive_desc make_convolution_backward_data(
    const ConvolutionDescs& d, const dnnl::primitive_attr& attr,
    const dnnl::convolution_forward::primitive_desc& forward) {
  return {engine(),  convolution_algorithm,
          d.src,     d.weights,
          d.dst,     d.strides,
          d.dilates, d.padding,
          d.padding, forward,
          attr};
}

inline dnnl::convolution_backward_weights::primitive_desc make_convolution_backward_weights(
    const ConvolutionDescs& d, const dnnl::primitive_attr& attr,
    const dnnl::convolution_forward::primitive_desc& forward) {
  return {engine(),  convolution_algorithm,
          d.src,     d.weights,
          d.bias,    d.dst,
          d.strides, d.dilates,
          d.padding, d.padding,
          forward,   attr};
}

#else

inline dnnl::matmul::primitive_desc make_matmul(const MatmulDescs& d, const dnnl::primitive_attr& attr) {
  return {dnnl::matmul::desc(d.src, d.weights, d.bias, d.dst), attr, engine()};
}

inline dnnl::convolution_forward::primitive_desc make_convolution_forward(const ConvolutionDescs& d,
                                                                          const dnnl::primitive_attr& attr) {
  const dnnl::convolution_forward::desc operation(convolution_propagation, convolution_algorithm, d.src,
                                                  d.weights, d.bias, d.dst, d.strides, d.dilates, d.padding,
                                                  d.padding);
  return {operation, attr, engine()};
}

inline dnnl::convolution_backward_data::primitive_desc make_convolution_backward_data(
    const ConvolutionDescs& d, const dnnl::primitive_attr& attr,
    const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_data::desc operation(convolution_algorithm, d.src, d.weights, d.dst,
                                                        d.strides, d.dilates, d.padding, d.padding);
  return {operation, attr, engine(), forward};
}

inline dnnl::convolution_backward_weights::primitive_desc make_convolution_backward_weights(
    const ConvolutionDescs& d, const dnnl::primitive_attr& attr,
    const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_weights::desc operation(convolution_algorithm, d.src, d.weights, d.bias,
                                                           d.dst, d.strides, d.dilates, d.padding, d.padding);
  return {operation, attr, engine(), forward};
}

#endif

}  // namespace mica::kernels::onednn
