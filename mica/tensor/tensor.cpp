#include <algorithm>
#include <new>
#include <string>

#include <fmt/format.h>

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/meta.h>
#include <mica/tensor/tensor.h>

namespace mica {

Ref<TensorImpl> TensorImpl::make(Ref<Storage> storage, DType dtype, const Shape& sizes, const Shape& strides,
                                 std::int64_t offset) {
  auto* impl = new (allocate(sizeof(TensorImpl))) TensorImpl;
  impl->storage = std::move(storage);
  impl->dtype = dtype;
  impl->offset = offset;
  impl->set_geometry(sizes, strides);
  return Ref<TensorImpl>::adopt(impl);
}

Ref<TensorImpl> TensorImpl::same_view(const TensorImpl& other) {
  auto* impl = new (allocate(sizeof(TensorImpl))) TensorImpl;
  impl->storage = other.storage;
  impl->dtype = other.dtype;
  impl->offset = other.offset;
  impl->numel = other.numel;
  impl->contiguous = other.contiguous;
  impl->is_view = other.is_view;
  impl->view_version = other.view_version;
  impl->sizes = other.sizes;
  impl->strides = other.strides;
  return Ref<TensorImpl>::adopt(impl);
}

void TensorImpl::destroy(TensorImpl* impl) {
  impl->~TensorImpl();
  deallocate(impl, sizeof(TensorImpl));
}

TensorImpl& Tensor::checked_impl() const {
  if (!impl_) {
    throw Error("Tensor", "this tensor is undefined",
                "a default-constructed Tensor holds nothing; assign one made by zeros(), randn()... first. "
                "Tensors of "
                "lazy layers are there once the layer has been called");
  }
  return *impl_;
}

void TensorImpl::check_empty() const {
  if (numel == 0) return;
  throw Error("Tensor", fmt::format("this tensor of shape {} has no memory", to_string(sizes)),
              "it is of a model made by nn::meta(): load() or load_state_dict() gives it numbers, "
              "nn::to_empty() memory to fill");
}

const Shape& Tensor::sizes() const { return checked_impl().sizes; }
const Shape& Tensor::strides() const { return checked_impl().strides; }
std::int64_t Tensor::size(std::int64_t dim) const {
  const Shape& s = sizes();
  if (s.empty()) {
    throw Error("size", fmt::format("dimension {} of a 0-d tensor", dim), "a 0-d tensor has no sizes");
  }
  return s[wrap_dim(dim, s.size(), "size")];
}
std::int64_t Tensor::dim() const { return checked_impl().sizes.size(); }
std::int64_t Tensor::numel() const { return checked_impl().numel; }
DType Tensor::dtype() const { return checked_impl().dtype; }
std::int64_t Tensor::storage_offset() const { return checked_impl().offset; }
bool Tensor::is_contiguous() const { return checked_impl().contiguous; }
bool Tensor::shares_storage(const Tensor& other) const {
  return impl_ && other.impl_ && impl_->storage == other.impl_->storage;
}
void* Tensor::raw_data() const { return checked_impl().data(); }
std::uint32_t Tensor::version() const {
  return checked_impl().storage->version.load(std::memory_order_relaxed);
}

void* Tensor::checked_data(DType wanted) const {
  const TensorImpl& impl = checked_impl();
  if (impl.dtype != wanted) {
    throw Error("data",
                fmt::format("asked for {} elements, but the tensor holds {}", name(wanted), name(impl.dtype)),
                fmt::format("convert it: x.to({})", name(wanted)));
  }
  if (!impl.contiguous) {
    throw Error("data",
                fmt::format("the elements are not in row-major order (sizes {}, strides {})",
                            to_string(impl.sizes), to_string(impl.strides)),
                "take x.contiguous() first");
  }
  return impl.data();
}

Scalar Tensor::item_scalar() const {
  const TensorImpl& impl = checked_impl();
  if (impl.numel != 1) {
    throw Error(
        "item",
        fmt::format("a tensor of shape {} has {} elements, not one", to_string(impl.sizes), impl.numel),
        "index or reduce it first");
  }
  return dispatch(impl.dtype, [&]<class T>() -> Scalar {
    const T value = *static_cast<const T*>(impl.data());
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
      return static_cast<float>(value);
    else
      return value;
  });
}

bool Tensor::requires_grad() const { return checked_impl().needs_grad(); }
bool Tensor::is_leaf() const { return !checked_impl().grad_fn; }

Tensor& Tensor::requires_grad_(bool on) {
  TensorImpl& impl = checked_impl();
  if (impl.grad_fn) {
    if (on) return *this;
    throw Error("requires_grad_",
                "only leaves can stop requiring gradients; this tensor is the result of an operation",
                "use detach()");
  }
  if (on && !mica::is_floating_point(impl.dtype)) {
    throw Error("requires_grad_", fmt::format("{} tensors have no gradient", name(impl.dtype)),
                "only f32, f64, bf16 and f16 can require one");
  }
  if (on && impl.storage->inference && !inference_mode()) {
    throw Error("requires_grad_", "this tensor was made under InferenceMode and counts no changes",
                "clone() it first, or make it outside of InferenceMode");
  }
  impl.requires_grad = on;
  return *this;
}

namespace {
// A size of 0 counts as 1 here, because strides are products of the other sizes.
void check_sizes(const char* operation, const Shape& sizes, DType dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(dtype));
  for (const std::int64_t n : sizes) {
    if (n < 0) throw Error(operation, fmt::format("negative size in {}", to_string(sizes)));
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(n, 1), &bytes)) {
      throw Error(operation, fmt::format("shape {} has more bytes than can be counted", to_string(sizes)));
    }
  }
}

Tensor make_dense(const Shape& sizes, const Shape& strides, DType dtype) {
  auto storage = Storage::allocate(static_cast<std::size_t>(sizes.numel()) * item_size(dtype));
  return Tensor(TensorImpl::make(std::move(storage), dtype, sizes, strides, 0));
}
}  // namespace

Tensor empty(const Shape& sizes, DType dtype) {
  check_sizes("empty", sizes, dtype);
  return make_dense(sizes, contiguous_strides(sizes), dtype);
}

Tensor empty_strided(const Shape& sizes, const Shape& strides, DType dtype) {
  check_sizes("empty_strided", sizes, dtype);
  if (!is_dense(sizes, strides)) {
    throw Error("empty_strided", fmt::format("strides {} leave gaps or overlap for sizes {}",
                                             to_string(strides), to_string(sizes)));
  }
  return make_dense(sizes, strides, dtype);
}

Tensor empty_like(const Tensor& x) {
  const TensorImpl& impl = x.checked_impl();
  const bool keep = !impl.contiguous && is_dense(impl.sizes, impl.strides);
  return make_dense(impl.sizes, keep ? impl.strides : contiguous_strides(impl.sizes), impl.dtype);
}

Tensor empty_meta(const Shape& sizes, DType dtype) {
  check_sizes("empty_meta", sizes, dtype);
  auto storage = Storage::without_memory(static_cast<std::size_t>(sizes.numel()) * item_size(dtype));
  return Tensor(TensorImpl::make(std::move(storage), dtype, sizes, contiguous_strides(sizes), 0));
}
bool is_meta(const Tensor& x) { return x.defined() && !x.impl()->storage->has_memory(); }

Tensor from_blob(void* data, const Shape& sizes, DType dtype, std::shared_ptr<void> owner) {
  check_sizes("from_blob", sizes, dtype);
  if (data == nullptr && sizes.numel() != 0) {
    throw Error("from_blob", fmt::format("null memory for shape {}", to_string(sizes)));
  }
  auto storage =
      Storage::wrap(data, static_cast<std::size_t>(sizes.numel()) * item_size(dtype), std::move(owner));
  return Tensor(TensorImpl::make(std::move(storage), dtype, sizes, contiguous_strides(sizes), 0));
}

Tensor alias(const Tensor& x, const Shape& sizes, const Shape& strides, std::int64_t offset) {
  const TensorImpl& impl = x.checked_impl();
  check_sizes("view", sizes, impl.dtype);  // repeated elements may be more than can be counted
  auto out = TensorImpl::make(impl.storage, impl.dtype, sizes, strides, offset);
  out->is_view = true;
  out->view_version = impl.storage->version.load(std::memory_order_relaxed);
  return Tensor(std::move(out));
}

}  // namespace mica
