// What a Tensor handle points to. For the library's own sources; users need <mica/tensor/tensor.h> only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <mica/core/dtype.h>
#include <mica/core/ref.h>
#include <mica/core/shape.h>
#include <mica/tensor/storage.h>

namespace mica {

// The part of a graph node that a tensor needs to own one; autograd::Node is the whole.
struct NodeBase {
  std::atomic<std::uint32_t> refs{1};
  virtual ~NodeBase() = default;
  // Defined in autograd: destroys chains of nodes without recursion.
  static void destroy(NodeBase* node);
};

// What is registered on the gradient of a leaf; autograd::GradHooks is the whole.
struct HooksBase {
  std::atomic<std::uint32_t> refs{1};
  virtual ~HooksBase() = default;
  static void destroy(HooksBase* hooks) { delete hooks; }
};

struct TensorImpl {
  std::atomic<std::uint32_t> refs{1};
  DType dtype = DType::f32;
  bool requires_grad = false;  // set by the user, on leaves
  bool is_view = false;
  bool contiguous = true;
  std::uint32_t view_version = 0;  // storage version when the view was taken
  std::uint32_t output_index = 0;  // which output of grad_fn this is
  std::int64_t numel = 0;
  std::int64_t offset = 0;  // elements
  Ref<Storage> storage;
  Ref<NodeBase> grad_fn;  // null for leaves
  Ref<TensorImpl> grad;
  Ref<HooksBase> hooks;  // of leaves; those of results are with their node
  Shape sizes;
  Shape strides;

  static Ref<TensorImpl> make(Ref<Storage> storage, DType dtype, const Shape& sizes, const Shape& strides,
                              std::int64_t offset);
  // The same memory and geometry without history.
  static Ref<TensorImpl> same_view(const TensorImpl& other);
  static void destroy(TensorImpl* impl);

  void set_geometry(const Shape& new_sizes, const Shape& new_strides) {
    sizes = new_sizes;
    strides = new_strides;
    numel = sizes.numel();
    contiguous = is_contiguous(sizes, strides);
  }
  void check_empty() const;
  bool needs_grad() const { return requires_grad || grad_fn; }
  // Errors: the tensor has elements, but no memory (empty_meta).
  void* data() const {
    if (storage->data == nullptr) [[unlikely]] {
      check_empty();
      return nullptr;  // of no elements, wherever they start
    }
    return static_cast<std::byte*>(storage->data) + static_cast<std::size_t>(offset) * item_size(dtype);
  }
};

}  // namespace mica
