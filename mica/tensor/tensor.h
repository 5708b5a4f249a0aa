// Tensor: a handle to numbers in n dimensions.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mica/core/dtype.h>
#include <mica/core/ref.h>
#include <mica/core/scalar.h>
#include <mica/core/shape.h>
#include <mica/tensor/impl.h>

namespace mica {

struct ValuesIndices;
class Index;
class Generator;
Generator& default_generator();
namespace autograd {
class HookHandle;
}

// first:last:step of one dimension, as in Python; negative positions count from the end.
struct Slice {
  std::optional<std::int64_t> first, last;
  std::int64_t step = 1;
};

struct IndexPutOptions {
  bool accumulate = false;  // add to what is there; positions that repeat add up
};

// A handle: copying it shares the numbers, clone() copies them. Views (transpose, select, slice...) share
// memory with the tensor they were taken from. A default-constructed Tensor is undefined ("None"): only
// defined(), assignment and destruction are allowed.
//
// Differentiable members are declared here and defined in ops/, beside their backward rule; most have a free
// function of the same name with the documentation.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  ~Tensor() = default;
  // Handles are assigned; numbers are written with copy_, fill_ and index_put_. So `x[0] = y` does not
  // compile: it would change a handle that is about to vanish.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;

  // --- what it is ---
  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& sizes() const;
  const Shape& strides() const;  // in elements
  std::int64_t size(std::int64_t dim) const;
  std::int64_t dim() const;
  std::int64_t numel() const;
  DType dtype() const;
  std::int64_t storage_offset() const;
  bool is_contiguous() const;
  bool is_floating_point() const { return mica::is_floating_point(dtype()); }
  // The same numbers in the same memory: handles of one tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  // Views of one block of memory.
  bool shares_storage(const Tensor& other) const;

  // --- reading and writing numbers ---
  // The elements in row-major order. Errors: T is not the dtype; not contiguous (use contiguous()).
  template <class T> std::span<T> data() const {
    return {static_cast<T*>(checked_data(dtype_of<T>)), static_cast<std::size_t>(numel())};
  }
  // The only element, converted. Errors: more or less than one.
  template <class T = double> T item() const {
    const Scalar s = item_scalar();
    if constexpr (std::is_same_v<T, bool>)
      return s.to_double() != 0;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(s.to_int());
    else
      return static_cast<T>(s.to_double());
  }
  Scalar item_scalar() const;
  // All elements in row-major order, converted to T; works for any strides.
  template <class T> std::vector<T> to_vector() const {
    const Tensor x = to(dtype_of<T>).contiguous();
    const auto span = x.data<T>();
    return std::vector<T>(span.begin(), span.end());
  }
  // Address of the first element, whatever the strides.
  void* raw_data() const;

  // --- autograd ---
  bool requires_grad() const;
  // Errors: not a leaf, not floating point.
  Tensor& requires_grad_(bool on = true);
  bool is_leaf() const;
  // The accumulated gradient of a leaf, or of a result that retains it; undefined before the first backward.
  Tensor grad() const;
  // Errors: shape or dtype differ from this tensor's.
  void set_grad(const Tensor& grad);
  // Gradients of this scalar with respect to every leaf that it depends on, added to their grad(). A tensor
  // of several elements needs `gradient`, of its shape. Errors: nothing to differentiate, graph already
  // freed.
  struct BackwardOptions;
  void backward(const Tensor& gradient = {}) const;
  void backward(const Tensor& gradient, BackwardOptions options) const;
  // hook(grad) is called when a backward pass has this tensor's whole gradient, and may return another one.
  // hook(leaf) is called when the gradient was added to leaf.grad(). The hook lives as long as the handle;
  // defined in <mica/autograd/hooks.h>, which says more. Errors: no gradient required; not a leaf.
  template <class Hook> [[nodiscard]] autograd::HookHandle register_hook(Hook hook) const;
  template <class Hook>
  [[nodiscard]] autograd::HookHandle register_post_accumulate_grad_hook(Hook hook) const;
  // Keeps the gradient of a result in its grad(), as leaves do anyway. It belongs to the value that the
  // tensor has now: after a change in place, call it again. Errors: no gradient required.
  void retain_grad() const;
  bool retains_grad() const;
  // The same memory without history.
  Tensor detach() const;
  // "mul", "linear"...: the operation that made this tensor; "" for leaves.
  std::string grad_fn_name() const;
  // Counts the changes in place of the memory; always 0 if that was allocated under InferenceMode.
  std::uint32_t version() const;

  // --- conversion ---
  Tensor to(DType dtype) const;
  // A copy with memory of its own; gradients flow through. Keeps dense strides.
  Tensor clone() const;
  Tensor contiguous() const;

  // --- views (ops/view.h) ---
  Tensor view(const Shape& sizes) const;
  Tensor reshape(const Shape& sizes) const;
  Tensor flatten(std::int64_t start_dim = 0, std::int64_t end_dim = -1) const;
  Tensor transpose(std::int64_t dim0, std::int64_t dim1) const;
  Tensor t() const;
  Tensor permute(const Shape& dims) const;
  Tensor movedim(const Shape& source, const Shape& destination) const;
  Tensor expand(const Shape& sizes) const;
  Tensor view_as(const Tensor& other) const { return view(other.sizes()); }
  Tensor reshape_as(const Tensor& other) const { return reshape(other.sizes()); }
  Tensor expand_as(const Tensor& other) const { return expand(other.sizes()); }
  Tensor unsqueeze(std::int64_t dim) const;
  Tensor squeeze() const;
  Tensor squeeze(std::int64_t dim) const;
  Tensor select(std::int64_t dim, std::int64_t index) const;
  Tensor narrow(std::int64_t dim, std::int64_t start, std::int64_t length) const;
  Tensor slice(std::int64_t dim, const Slice& slice) const;
  Tensor unflatten(std::int64_t dim, const Shape& sizes) const;
  Tensor unfold(std::int64_t dim, std::int64_t size, std::int64_t step) const;
  Tensor diagonal(std::int64_t offset = 0, std::int64_t dim0 = 0, std::int64_t dim1 = 1) const;
  Tensor as_strided(const Shape& sizes, const Shape& strides,
                    std::optional<std::int64_t> storage_offset = {}) const;
  std::vector<Tensor> split(std::int64_t split_size, std::int64_t dim = 0) const;
  std::vector<Tensor> split(const std::vector<std::int64_t>& split_sizes, std::int64_t dim = 0) const;
  std::vector<Tensor> chunk(std::int64_t chunks, std::int64_t dim = 0) const;
  std::vector<Tensor> unbind(std::int64_t dim = 0) const;
  // Sums over broadcast dimensions until the shape is `sizes`: the reverse of expand.
  Tensor sum_to_size(const Shape& sizes) const;

  // --- rearranged copies (ops/rearrange.h) ---
  Tensor repeat(const Shape& repeats) const;
  Tensor repeat_interleave(std::int64_t repeats, std::optional<std::int64_t> dim = {}) const;
  Tensor tile(const Shape& dims) const;
  Tensor flip(const Shape& dims) const;
  Tensor roll(const Shape& shifts, const Shape& dims = {}) const;
  Tensor tril(std::int64_t diagonal = 0) const;
  Tensor triu(std::int64_t diagonal = 0) const;
  Tensor diag(std::int64_t diagonal = 0) const;

  // --- elements by position (ops/index.h) ---
  Tensor gather(std::int64_t dim, const Tensor& index) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, Scalar value) const;
  Tensor scatter_add(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor index_select(std::int64_t dim, const Tensor& index) const;
  Tensor index_add(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const;
  Tensor index_copy(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor index_fill(std::int64_t dim, const Tensor& index, Scalar value) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor take_along_dim(const Tensor& index, std::int64_t dim) const;
  Tensor nonzero() const;

  // --- subscripts, as in Python (tensor/index.h, ops/advanced_index.h) ---
  // x[2], x[Slice{0, -1}, Ellipsis, 3], x[None], x[mask], x[rows, columns]: views as long as no tensor or
  // bool takes part, else copies. index({...}) is the same.
  Tensor operator[](std::int64_t index) const { return select(0, index); }
  template <class... I>
    requires(sizeof...(I) > 1 || (!(std::integral<I> && !std::same_as<I, bool>) && ...))
  Tensor operator[](const I&... indices) const {
    return index({indices...});
  }
  Tensor index(std::initializer_list<Index> indices) const;
  Tensor index(std::span<const Index> indices) const;
  // A copy of this tensor with what the indices stand for replaced by `value`, which is broadcast.
  Tensor index_put(std::initializer_list<Index> indices, const Tensor& value,
                   IndexPutOptions options = {}) const;
  Tensor index_put(std::initializer_list<Index> indices, Scalar value, IndexPutOptions options = {}) const;
  Tensor index_put(std::span<const Index> indices, const Tensor& value, IndexPutOptions options = {}) const;

  // --- in place (ops/inplace.h). They return *this ---
  Tensor& fill_(Scalar value);
  Tensor& zero_() { return fill_(0); }
  Tensor& copy_(const Tensor& source);
  Tensor& add_(const Tensor& other, Scalar alpha = 1);
  Tensor& sub_(const Tensor& other);
  Tensor& mul_(const Tensor& other);
  Tensor& div_(const Tensor& other);
  Tensor& add_(Scalar other);
  Tensor& sub_(Scalar other);
  Tensor& mul_(Scalar other);
  Tensor& div_(Scalar other);
  Tensor& operator+=(const Tensor& other) { return add_(other); }
  Tensor& operator-=(const Tensor& other) { return sub_(other); }
  Tensor& operator*=(const Tensor& other) { return mul_(other); }
  Tensor& operator/=(const Tensor& other) { return div_(other); }
  Tensor& operator+=(Scalar other) { return add_(other); }
  Tensor& operator-=(Scalar other) { return sub_(other); }
  Tensor& operator*=(Scalar other) { return mul_(other); }
  Tensor& operator/=(Scalar other) { return div_(other); }
  Tensor& pow_(Scalar exponent);
  Tensor& neg_();
  Tensor& abs_();
  Tensor& exp_();
  Tensor& log_();
  Tensor& sqrt_();
  Tensor& rsqrt_();
  Tensor& reciprocal_();
  Tensor& square_();
  Tensor& floor_();
  Tensor& ceil_();
  Tensor& round_();
  Tensor& trunc_();
  Tensor& relu_();
  Tensor& sigmoid_();
  Tensor& tanh_();
  Tensor& clamp_(std::optional<double> min, std::optional<double> max);
  Tensor& lerp_(const Tensor& end, Scalar weight);
  Tensor& addcmul_(const Tensor& a, const Tensor& b, Scalar value = 1);
  Tensor& addcdiv_(const Tensor& a, const Tensor& b, Scalar value = 1);
  Tensor& masked_fill_(const Tensor& mask, Scalar value);
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& scatter_(std::int64_t dim, const Tensor& index, Scalar value);
  Tensor& scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
  Tensor& index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& index_fill_(std::int64_t dim, const Tensor& index, Scalar value);
  Tensor& index_put_(std::initializer_list<Index> indices, const Tensor& value, IndexPutOptions options = {});
  Tensor& index_put_(std::initializer_list<Index> indices, Scalar value, IndexPutOptions options = {});
  Tensor& index_put_(std::span<const Index> indices, const Tensor& value, IndexPutOptions options = {});
  // --- random numbers in place (ops/random.h) ---
  Tensor& uniform_(double from = 0, double to = 1, Generator& generator = default_generator());
  Tensor& normal_(double mean = 0, double std = 1, Generator& generator = default_generator());
  Tensor& bernoulli_(double p = 0.5, Generator& generator = default_generator());
  Tensor& bernoulli_(const Tensor& p, Generator& generator = default_generator());
  Tensor& exponential_(double lambda = 1, Generator& generator = default_generator());
  // Integers on [from, to), on [0, to), and on [0, the last number that the dtype counts to].
  Tensor& random_(std::int64_t from, std::int64_t to, Generator& generator = default_generator());
  Tensor& random_(std::int64_t to, Generator& generator = default_generator());
  Tensor& random_(Generator& generator = default_generator());

  // --- arithmetic and functions (ops/pointwise.h, ops/activation.h, ops/softmax.h) ---
  Tensor abs() const;
  Tensor exp() const;
  Tensor log() const;
  Tensor sqrt() const;
  Tensor square() const;
  Tensor rsqrt() const;
  Tensor neg() const;
  Tensor sign() const;
  Tensor reciprocal() const;
  Tensor floor() const;
  Tensor ceil() const;
  Tensor round() const;
  Tensor trunc() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor erf() const;
  Tensor log1p() const;
  Tensor expm1() const;
  Tensor pow(Scalar exponent) const;
  Tensor pow(const Tensor& exponent) const;
  Tensor clamp(std::optional<double> min, std::optional<double> max) const;
  Tensor masked_fill(const Tensor& mask, Scalar value) const;
  Tensor relu() const;
  Tensor sigmoid() const;
  Tensor tanh() const;
  Tensor softmax(std::int64_t dim) const;
  Tensor log_softmax(std::int64_t dim) const;
  Tensor matmul(const Tensor& other) const;
  Tensor mm(const Tensor& other) const;
  Tensor bmm(const Tensor& other) const;
  Tensor dot(const Tensor& other) const;

  // --- comparison (ops/compare.h); operators below ---
  Tensor eq(const Tensor& other) const;
  Tensor ne(const Tensor& other) const;
  Tensor lt(const Tensor& other) const;
  Tensor le(const Tensor& other) const;
  Tensor gt(const Tensor& other) const;
  Tensor ge(const Tensor& other) const;
  Tensor eq(Scalar other) const;
  Tensor ne(Scalar other) const;
  Tensor lt(Scalar other) const;
  Tensor le(Scalar other) const;
  Tensor gt(Scalar other) const;
  Tensor ge(Scalar other) const;
  Tensor logical_not() const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;

  // --- reductions (ops/reduce.h). Without dims: over all elements ---
  Tensor sum() const;
  Tensor sum(const Shape& dims, bool keepdim = false) const;
  Tensor mean() const;
  Tensor mean(const Shape& dims, bool keepdim = false) const;
  Tensor var(const Shape& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor std(const Shape& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  ValuesIndices max(std::int64_t dim, bool keepdim = false) const;
  ValuesIndices min(std::int64_t dim, bool keepdim = false) const;
  Tensor argmax(std::optional<std::int64_t> dim = {}, bool keepdim = false) const;
  Tensor argmin(std::optional<std::int64_t> dim = {}, bool keepdim = false) const;
  Tensor any() const;
  Tensor all() const;
  Tensor any(const Shape& dims, bool keepdim = false) const;
  Tensor all(const Shape& dims, bool keepdim = false) const;
  Tensor prod() const;
  Tensor prod(std::int64_t dim, bool keepdim = false) const;
  Tensor amax(const Shape& dims = {}, bool keepdim = false) const;
  Tensor amin(const Shape& dims = {}, bool keepdim = false) const;
  Tensor norm(double p = 2) const;
  Tensor norm(double p, const Shape& dims, bool keepdim = false) const;
  Tensor logsumexp(const Shape& dims, bool keepdim = false) const;
  Tensor cumsum(std::int64_t dim) const;
  Tensor cumprod(std::int64_t dim) const;
  ValuesIndices sort(std::int64_t dim = -1, bool descending = false, bool stable = false) const;
  Tensor argsort(std::int64_t dim = -1, bool descending = false, bool stable = false) const;
  ValuesIndices topk(std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true) const;
  Tensor median() const;
  ValuesIndices median(std::int64_t dim, bool keepdim = false) const;

  // --- for the library ---
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  const Ref<TensorImpl>& impl() const { return impl_; }
  // Errors: undefined.
  TensorImpl& checked_impl() const;

 private:
  void* checked_data(DType wanted) const;
  Ref<TensorImpl> impl_;
};

struct Tensor::BackwardOptions {
  bool retain_graph = false;  // keep what the graph saved, for another backward
  bool create_graph =
      false;  // record the backward pass itself, for second derivatives (implies retain_graph)
};

// The extrema of max(dim) and min(dim) and where they were (i64).
struct ValuesIndices {
  Tensor values, indices;
};

// Uninitialised memory.
Tensor empty(const Shape& sizes, DType dtype = f32);
// With explicit strides, which must describe a dense block.
Tensor empty_strided(const Shape& sizes, const Shape& strides, DType dtype = f32);
// Same shape, dtype and dense strides.
Tensor empty_like(const Tensor& x);

// A tensor over memory that stays the caller's, or that `owner` keeps alive. Row-major.
// Errors: null memory with a non-zero size.
Tensor from_blob(void* data, const Shape& sizes, DType dtype, std::shared_ptr<void> owner = {});

// A new handle on the same memory with other sizes, strides and offset (elements). Not recorded: the base of
// all views.
Tensor alias(const Tensor& x, const Shape& sizes, const Shape& strides, std::int64_t offset);

}  // namespace mica
