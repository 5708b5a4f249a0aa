#include <omp.h>

#include <mica/core/allocator.h>
#include <mica/core/parallel.h>
#include <mica/kernels/onednn/plan.h>

namespace mica::kernels::onednn {

namespace {

constexpr std::size_t alignment = 64;

class ScratchBlock {
 public:
  explicit ScratchBlock(std::size_t bytes)
      : bytes_(bytes), data_(bytes == 0 ? nullptr : static_cast<std::byte*>(allocate(bytes))) {}
  ~ScratchBlock() {
    if (data_ != nullptr) deallocate(data_, bytes_);
  }
  ScratchBlock(const ScratchBlock&) = delete;
  ScratchBlock& operator=(const ScratchBlock&) = delete;
  void* at(std::size_t offset) const { return data_ + offset; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

// A memory object that is told its address at each run.
dnnl::memory unbound(const dnnl::memory::desc& desc) { return {desc, engine(), nullptr}; }

}  // namespace

Plan::Plan(dnnl::primitive primitive, std::span<const Operand> inputs, std::span<const Operand> outputs,
           const dnnl::memory::desc& scratchpad)
    : primitive_(std::move(primitive)) {
  for (const Operand& operand : inputs) inputs_.push_back(make_slot(operand, true));
  for (const Operand& operand : outputs) outputs_.push_back(make_slot(operand, false));
  if (scratchpad.get_size() > 0) {
    scratchpad_ = unbound(scratchpad);
    scratchpad_offset_ = reserve(scratchpad);
    arguments_.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
  }
}

Plan::Slot Plan::make_slot(const Operand& operand, bool is_input) {
  Slot slot;
  slot.given = unbound(operand.given);
  if (operand.wanted == operand.given) {
    slot.wanted = slot.given;
  } else {
    slot.wanted = unbound(operand.wanted);
    slot.offset = reserve(operand.wanted);
    slot.conversion.emplace(is_input ? dnnl::reorder(slot.given, slot.wanted)
                                     : dnnl::reorder(slot.wanted, slot.given));
  }
  arguments_.emplace(operand.argument, slot.wanted);
  return slot;
}

std::size_t Plan::reserve(const dnnl::memory::desc& desc) {
  const std::size_t offset = scratch_bytes_;
  scratch_bytes_ += (desc.get_size() + alignment - 1) / alignment * alignment;
  return offset;
}

void Plan::run(std::span<const void* const> inputs, std::span<void* const> outputs) {
  const ScratchBlock scratch(scratch_bytes_);
  dnnl::stream& in_order = stream();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Slot& slot = inputs_[i];
    slot.given.set_data_handle(const_cast<void*>(inputs[i]));  // oneDNN has one handle for both directions
    if (slot.conversion) {
      slot.wanted.set_data_handle(scratch.at(slot.offset));
      slot.conversion->execute(in_order, slot.given, slot.wanted);
    }
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Slot& slot = outputs_[i];
    slot.given.set_data_handle(outputs[i]);
    if (slot.conversion) slot.wanted.set_data_handle(scratch.at(slot.offset));
  }
  if (scratchpad_) scratchpad_.set_data_handle(scratch.at(scratchpad_offset_));
  primitive_.execute(in_order, arguments_);
  for (Slot& slot : outputs_) {
    if (slot.conversion) slot.conversion->execute(in_order, slot.wanted, slot.given);
  }
  in_order.wait();
}

dnnl::primitive_attr plan_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

ThreadScope::ThreadScope(std::int64_t work) {
  constexpr std::int64_t worth_sharing = 1 << 19;
  sync_openmp_threads();
  outside_ = omp_get_max_threads();
  // In a parallel region OpenMP gives a nested team one thread; a primitive made for more would wait forever
  // for the others.
  count_ = work < worth_sharing || omp_in_parallel() != 0 ? 1 : outside_;
  if (count_ != outside_) omp_set_num_threads(count_);
}

ThreadScope::~ThreadScope() {
  if (count_ != outside_) omp_set_num_threads(outside_);
}

}  // namespace mica::kernels::onednn
