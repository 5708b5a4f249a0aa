#include <mica/nn/module_types.h>

namespace mica::nn {

template const detail::ModuleType& detail::module_type<BatchNorm1d>();
template const detail::ModuleType& detail::module_type<BatchNorm2d>();
template const detail::ModuleType& detail::module_type<Conv1d>();
template const detail::ModuleType& detail::module_type<Conv2d>();
template const detail::ModuleType& detail::module_type<ConvTranspose2d>();
template const detail::ModuleType& detail::module_type<Dropout>();
template const detail::ModuleType& detail::module_type<Embedding>();
template const detail::ModuleType& detail::module_type<Flatten>();
template const detail::ModuleType& detail::module_type<GELU>();
template const detail::ModuleType& detail::module_type<GRU>();
template const detail::ModuleType& detail::module_type<LSTM>();
template const detail::ModuleType& detail::module_type<LayerNorm>();
template const detail::ModuleType& detail::module_type<Linear>();
template const detail::ModuleType& detail::module_type<MaxPool2d>();
template const detail::ModuleType& detail::module_type<MultiheadAttention>();
template const detail::ModuleType& detail::module_type<ReLU>();
template const detail::ModuleType& detail::module_type<Sequential>();
template const detail::ModuleType& detail::module_type<Sigmoid>();
template const detail::ModuleType& detail::module_type<Tanh>();
template const detail::ModuleType& detail::module_type<TransformerEncoderLayer>();
template const detail::ModuleType& detail::module_type<detail::NonDynamicallyQuantizableLinear>();

}  // namespace mica::nn
