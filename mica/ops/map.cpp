#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/node.h>
#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/map.h>
#include <mica/ops/map_gradient.h>

namespace mica {

using kernels::MapOp;
using kernels::MapProgram;
using kernels::MapStep;

namespace {

using Tensors = std::span<const Tensor>;

std::vector<Tensor> run_and_record(const char* name, const MapProgram& program, Tensors inputs,
                                   const Shape& sizes, DType type);

// Replaces the numbers of the inputs by their places in the list that is returned: those in use, in order.
std::vector<std::int32_t> renumber_inputs(MapProgram& program) {
  std::vector<std::int32_t> used;
  for (const MapStep& step : program.steps) {
    if (step.op == MapOp::input) used.push_back(step.from[0]);
  }
  std::ranges::sort(used);
  for (MapStep& step : program.steps) {
    if (step.op != MapOp::input) continue;
    step.from[0] = static_cast<std::int32_t>(std::ranges::lower_bound(used, step.from[0]) - used.begin());
  }
  return used;
}

// A program that was run: its backward is a program, too, over the gradients of the results and the inputs.
class MapNode final : public autograd::Node {
 public:
  // Of inputs[i] for i in `wanted`.
  MapNode(const char* name, const MapProgram& program, Tensors inputs, std::span<const std::int32_t> wanted,
          std::span<Tensor> results)
      : Node(name), gradient_(detail::gradient_of(program, wanted)), operands_(renumber_inputs(gradient_)) {
    for (const std::int32_t operand : operands_) {
      const std::size_t input = static_cast<std::size_t>(operand) - results.size();
      saved_.emplace_back(static_cast<std::size_t>(operand) < results.size() ? Tensor() : inputs[input]);
    }
    for (const std::int32_t i : wanted)
      edge_storage_.push_back(autograd::edge_to(inputs[static_cast<std::size_t>(i)]));
    for (Tensor& y : results) {
      TensorImpl& impl = *y.impl();
      impl.output_index = static_cast<std::uint32_t>(output_storage_.size());
      impl.grad_fn = Ref<NodeBase>::share(this);
      output_storage_.push_back({impl.sizes, impl.dtype});
    }
    edges_ = edge_storage_;
    outputs_ = output_storage_;
  }

  void backward(Tensors grads, std::vector<Tensor>& grad_inputs) override {
    if (freed_) throw_freed();
    std::vector<Tensor> inputs;
    for (std::size_t k = 0; k < operands_.size(); ++k) {
      const auto operand = static_cast<std::size_t>(operands_[k]);
      Tensor x = operand < grads.size() ? grads[operand] : saved_[k].get(*this);
      inputs.push_back(x.defined() ? std::move(x) : zeros({}, outputs_[0].dtype));
    }
    grad_inputs = run_and_record(name(), gradient_, inputs, outputs_[0].sizes, outputs_[0].dtype);
  }

  void release() override {
    freed_ = std::ranges::any_of(saved_, [](const Saved& x) { return x.defined(); });
    saved_.clear();
  }

 private:
  MapProgram gradient_;
  std::vector<std::int32_t> operands_;  // inputs of the gradient: first those that are gradients of results
  std::vector<Saved> saved_;            // one per operand, undefined for gradients
  std::vector<autograd::Edge> edge_storage_;
  std::vector<Output> output_storage_;
  bool freed_ = false;
};

void record_program(const char* name, MapProgram program, Tensors all_inputs, std::span<Tensor> results) {
  std::vector<Tensor> inputs;
  std::vector<std::int32_t> wanted;
  for (const std::int32_t i : renumber_inputs(program)) {
    const Tensor& x = all_inputs[static_cast<std::size_t>(i)];
    if (x.requires_grad()) wanted.push_back(static_cast<std::int32_t>(inputs.size()));
    inputs.push_back(x);
  }
  if (!wanted.empty()) Ref<NodeBase>::adopt(new MapNode(name, program, inputs, wanted, results));
}

// In the memory order of the first input that has it, as in arithmetic.
Shape strides_of_results(Tensors inputs, const Shape& sizes) {
  if (!std::ranges::all_of(inputs, [](const Tensor& x) { return x.is_contiguous(); })) {
    for (const Tensor& x : inputs) {
      if (x.sizes() == sizes && is_dense(sizes, x.strides())) return x.strides();
      if (x.sizes() == sizes) break;
    }
  }
  return contiguous_strides(sizes);
}

std::vector<Tensor> run_and_record(const char* name, const MapProgram& program, Tensors inputs,
                                   const Shape& sizes, DType type) {
  const bool tracked = autograd::recording(inputs);
  std::vector<kernels::MapInput> in;
  in.reserve(inputs.size());
  for (const Tensor& x : inputs) in.push_back({x.raw_data(), x.dtype(), ops::in(x, sizes).strides});

  const Shape strides = strides_of_results(inputs, sizes);
  std::vector<Tensor> results;
  std::vector<kernels::MapOutput> out;
  results.reserve(program.results.size());
  out.reserve(program.results.size());
  // A tile is read before it is written, so one input and one result may be the same memory.
  const bool reuse = !tracked && inputs.size() == 1 && program.results.size() == 1 &&
                     inputs[0].dtype() == type && ops::reusable(inputs[0]);
  for (std::size_t i = 0; i < program.results.size(); ++i) {
    results.push_back(reuse ? ops::reuse_memory(inputs[0]) : empty_strided(sizes, strides, type));
    out.push_back({results.back().raw_data(), type});
  }
  kernels::map(program, ops::compute_type(type), sizes, strides, in, out);
  if (tracked) record_program(name, program, inputs, results);
  return results;
}

// PyTorch's promotion: tensors without dimensions count only by their kind.
DType promoted(Tensors inputs) {
  std::optional<DType> with_dims;
  std::optional<DType> without_dims;
  for (const Tensor& x : inputs) {
    auto& type = x.sizes().empty() ? without_dims : with_dims;
    type = type ? ops::promote(*type, x.dtype()) : x.dtype();
  }
  if (!with_dims) return *without_dims;
  return without_dims && is_floating_point(*without_dims) && !is_floating_point(*with_dims) ? *without_dims
                                                                                            : *with_dims;
}

}  // namespace

Tensor detail::map(const char* name, const MapProgram& program, Tensors inputs) {
  Shape sizes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined())
      throw Error(name, fmt::format("tensor {} of {} is undefined", i + 1, inputs.size()));
    sizes = broadcast_shapes(sizes, inputs[i].sizes(), name);
  }
  return run_and_record(name, program, inputs, sizes, ops::floating_type(promoted(inputs)))[0];
}

}  // namespace mica
