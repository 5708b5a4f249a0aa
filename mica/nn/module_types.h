// What a ModuleRef knows of the layers that most models have (how to walk and print them, read and write
// their plain members) is compiled with the library, not with every program. It is the same for other layers.
#pragma once

#include <mica/nn/activation.h>
#include <mica/nn/attention.h>
#include <mica/nn/conv.h>
#include <mica/nn/dropout.h>
#include <mica/nn/embedding.h>
#include <mica/nn/flatten.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/nn/pooling.h>
#include <mica/nn/recurrent.h>
#include <mica/nn/sequential.h>
#include <mica/nn/transformer.h>

namespace mica::nn {

extern template const detail::ModuleType& detail::module_type<BatchNorm1d>();
extern template const detail::ModuleType& detail::module_type<BatchNorm2d>();
extern template const detail::ModuleType& detail::module_type<Conv1d>();
extern template const detail::ModuleType& detail::module_type<Conv2d>();
extern template const detail::ModuleType& detail::module_type<ConvTranspose2d>();
extern template const detail::ModuleType& detail::module_type<Dropout>();
extern template const detail::ModuleType& detail::module_type<Embedding>();
extern template const detail::ModuleType& detail::module_type<Flatten>();
extern template const detail::ModuleType& detail::module_type<GELU>();
extern template const detail::ModuleType& detail::module_type<GRU>();
extern template const detail::ModuleType& detail::module_type<LSTM>();
extern template const detail::ModuleType& detail::module_type<LayerNorm>();
extern template const detail::ModuleType& detail::module_type<Linear>();
extern template const detail::ModuleType& detail::module_type<MaxPool2d>();
extern template const detail::ModuleType& detail::module_type<MultiheadAttention>();
extern template const detail::ModuleType& detail::module_type<ReLU>();
extern template const detail::ModuleType& detail::module_type<Sequential>();
extern template const detail::ModuleType& detail::module_type<Sigmoid>();
extern template const detail::ModuleType& detail::module_type<Tanh>();
extern template const detail::ModuleType& detail::module_type<TransformerEncoderLayer>();
extern template const detail::ModuleType& detail::module_type<detail::NonDynamicallyQuantizableLinear>();

}  // namespace mica::nn
