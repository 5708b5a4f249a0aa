// Operations that change a tensor, and what keeps them from making gradients wrong.
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/activation.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/inplace.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/rounding.h>

namespace mica {

using autograd::record;
using kernels::Binary;
using kernels::Unary;
using Pair = std::array<Tensor, 2>;

namespace ops {

void check_recordable_change(const char* operation, const Tensor& x) {
  const TensorImpl& impl = x.checked_impl();
  if (impl.requires_grad) {
    throw Error(operation,
                fmt::format("a leaf that requires a gradient, {} {}, cannot be changed in place while "
                            "operations are recorded",
                            name(impl.dtype), to_string(impl.sizes)),
                "to initialise or update a parameter, do it under NoGrad");
  }
  if (impl.is_view) {
    throw Error(operation,
                fmt::format("a view of shape {} cannot be changed in place while gradients flow through it",
                            to_string(impl.sizes)),
                "clone() the view, or build the result with cat(), stack() or where()");
  }
}

void check_no_overlap(const char* operation, const Tensor& x) {
  for (int i = 0; i < x.sizes().size(); ++i) {
    if (x.sizes()[i] <= 1 || x.strides()[i] != 0 || x.numel() == 0) continue;
    throw Error(operation,
                fmt::format("elements of the tensor share memory (sizes {}, strides {})",
                            to_string(x.sizes()), to_string(x.strides())),
                "an expanded tensor cannot be written to; clone() it first");
  }
}

void check_result(const char* operation, const Tensor& x, const Shape& sizes, DType type) {
  check_no_overlap(operation, x);
  if (sizes != x.sizes()) {
    throw Error(operation,
                fmt::format("the result would have shape {}, the tensor has {}", to_string(sizes),
                            to_string(x.sizes())),
                "in-place operations broadcast their argument, never the tensor itself");
  }
  const auto kind = [](DType t) { return is_floating_point(t) ? 2 : is_integral(t) ? 1 : 0; };
  if (kind(type) > kind(x.dtype())) {
    throw Error(operation,
                fmt::format("the result would be {}, the tensor is {}", name(type), name(x.dtype())),
                "use the form that is not in place, or convert the tensor first");
  }
}

void mark_changed(const char* operation, const Tensor& x, bool recorded) {
  Storage& storage = *x.impl()->storage;
  storage.changed(operation);
  if (recorded) storage.recorded_version.store(storage.version.load());
}

Tensor with_history(Tensor y, const Tensor& x) {
  y.impl()->grad_fn = x.impl()->grad_fn;
  y.impl()->output_index = x.impl()->output_index;
  return y;
}

Tensor history_of(const Tensor& x) { return with_history(x.detach(), x); }

Tensor copy_with_history(const Tensor& x) { return with_history(convert(x, x.dtype()), x); }

void assign(const char* operation, Tensor& x, const Tensor& y, bool tracked) {
  check_result(operation, x, y.sizes(), y.dtype());
  kernels::convert(x.sizes(), y.dtype(), in(y), x.dtype(), out(x));
  mark_changed(operation, x, tracked);
  if (tracked) with_history(x, y.dtype() == x.dtype() ? y : y.to(x.dtype()));
}

}  // namespace ops

using ops::check_in_place;
using ops::check_result;
using ops::history_of;
using ops::mark_changed;

namespace {

// x now is the result of an operation on its earlier self (same dtype and shape; no history yet) and `other`.
template <class F>
void rebase(const char* operation, Tensor& x, const Tensor& before, const Tensor& other, F backward) {
  record(operation, x, {&before, &other}, std::move(backward));
}

void apply(Binary op, const char* operation, Tensor& x, const Tensor& other, DType type) {
  check_result(operation, x, broadcast_shapes(x.sizes(), other.sizes(), operation), type);
  if (x.dtype() == type && other.dtype() == type && ops::compute_type(type) == type &&
      !x.shares_storage(other)) {
    kernels::binary(op, type, x.sizes(), ops::in(x), ops::in(other, x.sizes()), ops::out(x));
    return;
  }
  const Tensor y = ops::binary(op, x, other, type);
  kernels::convert(x.sizes(), y.dtype(), ops::in(y), x.dtype(), ops::out(x));
}

void apply(Binary op, const char* operation, Tensor& x, Scalar other, DType type) {
  check_result(operation, x, x.sizes(), type);
  if (x.dtype() == type && ops::compute_type(type) == type) {
    const ops::ScalarIn scalar(other, type);
    kernels::binary(op, type, x.sizes(), ops::in(x), scalar.in(x.sizes().size()), ops::out(x));
    return;
  }
  const Tensor y = ops::binary(op, x, other, type);
  kernels::convert(x.sizes(), y.dtype(), ops::in(y), x.dtype(), ops::out(x));
}

}  // namespace

Tensor& Tensor::fill_(Scalar value) {
  const bool tracked = check_in_place("fill_", *this);
  kernels::fill(dtype(), sizes(), ops::out(*this), value.to_double(), value.to_int());
  mark_changed("fill_", *this, tracked);
  if (tracked) {  // the old values no longer matter: the tensor is a constant now
    impl_->grad_fn.reset();
  }
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  const bool tracked = check_in_place("copy_", *this, source);
  check_result("copy_", *this, broadcast_shapes(sizes(), source.sizes(), "copy_"), dtype());
  const Tensor from = shares_storage(source) ? ops::convert(source, source.dtype()) : source;
  kernels::convert(sizes(), from.dtype(), ops::in(from, sizes()), dtype(), ops::out(*this));
  mark_changed("copy_", *this, tracked);
  if (tracked) {
    impl_->grad_fn.reset();
    record("copy_", *this, {&source}, [](const Node&, const Tensor& grad) { return grad; });
  }
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, Scalar alpha) {
  if (alpha.to_double() != 1) {
    const DType type = dtype();
    const bool plain = other.dtype() == type && mica::is_floating_point(type) &&
                       ops::compute_type(type) == type && !shares_storage(other);
    if (!plain || check_in_place("add_", *this, other)) return add_(mul(other, alpha));
    check_result("add_", *this, broadcast_shapes(sizes(), other.sizes(), "add_"), type);
    kernels::add_scaled(type, sizes(), ops::in(*this), ops::in(other, sizes()), alpha.to_double(),
                        ops::out(*this));
    mark_changed("add_", *this, false);
    return *this;
  }
  const bool tracked = check_in_place("add_", *this, other);
  const Tensor before = tracked ? history_of(*this) : Tensor();
  apply(Binary::add, "add_", *this, other, ops::result_type(*this, other));
  mark_changed("add_", *this, tracked);
  if (tracked)
    rebase("add_", *this, before, other, [](const Node&, const Tensor& g) -> Pair { return {g, g}; });
  return *this;
}

Tensor& Tensor::sub_(const Tensor& other) {
  const bool tracked = check_in_place("sub_", *this, other);
  const Tensor before = tracked ? history_of(*this) : Tensor();
  apply(Binary::sub, "sub_", *this, other, ops::result_type(*this, other));
  mark_changed("sub_", *this, tracked);
  if (tracked)
    rebase("sub_", *this, before, other,
           [](const Node&, const Tensor& g) -> Pair { return {g, mica::neg(g)}; });
  return *this;
}

Tensor& Tensor::mul_(const Tensor& other) {
  const bool tracked = check_in_place("mul_", *this, other);
  if (tracked && shares_storage(other))
    return mul_(other.clone());  // to save what is about to be overwritten
  // The gradient of `other` needs the old values, which are about to be overwritten.
  const Tensor before = tracked ? history_of(*this) : Tensor();
  const Tensor old = tracked && other.requires_grad() ? ops::copy_with_history(*this) : Tensor();
  const Saved factor = tracked ? Saved(other) : Saved();
  apply(Binary::mul, "mul_", *this, other, ops::result_type(*this, other));
  mark_changed("mul_", *this, tracked);
  if (tracked) {
    rebase("mul_", *this, before, other,
           [old = Saved(old), factor](const Node& node, const Tensor& g) -> Pair {
             return {g * factor.get(node), node.needs(1) ? g * old.get(node) : Tensor()};
           });
  }
  return *this;
}

Tensor& Tensor::div_(const Tensor& other) {
  const DType type = ops::floating_type(ops::result_type(*this, other));
  const bool tracked = check_in_place("div_", *this, other);
  if (tracked && shares_storage(other)) return div_(other.clone());
  const Tensor before = tracked ? history_of(*this) : Tensor();
  const Saved divisor = tracked ? Saved(other) : Saved();
  apply(Binary::div, "div_", *this, other, type);
  mark_changed("div_", *this, tracked);
  if (tracked) {
    rebase("div_", *this, before, other,
           [divisor, y = SavedOutput(*this)](const Node& node, const Tensor& g) -> Pair {
             const Tensor over = div(g, divisor.get(node));
             return {over, node.needs(1) ? mica::neg(over * y.get(node)) : Tensor()};
           });
  }
  return *this;
}

namespace {

// x op= number, with the factor that the gradient takes.
Tensor& scalar_in_place(const char* operation, Binary op, Tensor& x, Scalar other, DType type,
                        Scalar factor) {
  const bool tracked = check_in_place(operation, x);
  const Tensor before = tracked ? history_of(x) : Tensor();
  apply(op, operation, x, other, type);
  mark_changed(operation, x, tracked);
  if (tracked) {
    record(operation, x, {&before},
           [factor](const Node&, const Tensor& g) { return factor.to_double() == 1 ? g : mul(g, factor); });
  }
  return x;
}

}  // namespace

Tensor& Tensor::add_(Scalar other) {
  return scalar_in_place("add_", Binary::add, *this, other, ops::result_type(*this, other), 1);
}
Tensor& Tensor::sub_(Scalar other) {
  return scalar_in_place("sub_", Binary::sub, *this, other, ops::result_type(*this, other), 1);
}
Tensor& Tensor::mul_(Scalar other) {
  return scalar_in_place("mul_", Binary::mul, *this, other, ops::result_type(*this, other), other);
}
Tensor& Tensor::div_(Scalar other) {
  return scalar_in_place("div_", Binary::div, *this, other,
                         ops::floating_type(ops::result_type(*this, other)), 1 / other.to_double());
}

namespace {

// x = f(x), written straight into its memory by the kernel when nothing has to be recorded.
Tensor& unary_in_place(const char* operation, Unary op, Tensor (*f)(Tensor), Tensor& x) {
  const bool direct = x.is_floating_point() && ops::compute_type(x.dtype()) == x.dtype();
  if (!direct || check_in_place(operation, x)) return ops::replace(operation, x, f);
  ops::check_no_overlap(operation, x);
  kernels::unary(op, x.dtype(), x.sizes(), ops::in(x), ops::out(x));
  mark_changed(operation, x, false);
  return x;
}

}  // namespace

Tensor& Tensor::neg_() { return unary_in_place("neg_", Unary::neg, mica::neg, *this); }
Tensor& Tensor::abs_() { return unary_in_place("abs_", Unary::abs, mica::abs, *this); }
Tensor& Tensor::exp_() { return unary_in_place("exp_", Unary::exp, mica::exp, *this); }
Tensor& Tensor::log_() { return unary_in_place("log_", Unary::log, mica::log, *this); }
Tensor& Tensor::sqrt_() { return unary_in_place("sqrt_", Unary::sqrt, mica::sqrt, *this); }
Tensor& Tensor::rsqrt_() { return unary_in_place("rsqrt_", Unary::rsqrt, mica::rsqrt, *this); }
Tensor& Tensor::reciprocal_() {
  return unary_in_place("reciprocal_", Unary::reciprocal, mica::reciprocal, *this);
}
Tensor& Tensor::square_() { return unary_in_place("square_", Unary::square, mica::square, *this); }
Tensor& Tensor::floor_() { return unary_in_place("floor_", Unary::floor, mica::floor, *this); }
Tensor& Tensor::ceil_() { return unary_in_place("ceil_", Unary::ceil, mica::ceil, *this); }
Tensor& Tensor::round_() {
  return unary_in_place("round_", Unary::round, [](Tensor x) { return mica::round(std::move(x)); }, *this);
}
Tensor& Tensor::trunc_() { return unary_in_place("trunc_", Unary::trunc, mica::trunc, *this); }
Tensor& Tensor::relu_() { return unary_in_place("relu_", Unary::relu, mica::relu, *this); }
Tensor& Tensor::sigmoid_() { return unary_in_place("sigmoid_", Unary::sigmoid, mica::sigmoid, *this); }
Tensor& Tensor::tanh_() { return unary_in_place("tanh_", Unary::tanh, mica::tanh, *this); }

Tensor& Tensor::pow_(Scalar exponent) {
  return ops::replace("pow_", *this, [&](const Tensor& x) { return mica::pow(x, exponent); });
}
Tensor& Tensor::clamp_(std::optional<double> min, std::optional<double> max) {
  return ops::replace("clamp_", *this, [&](const Tensor& x) { return mica::clamp(x, min, max); });
}
Tensor& Tensor::masked_fill_(const Tensor& mask, Scalar value) {
  const auto fill = [&](const Tensor& x, const Tensor& where) { return mica::masked_fill(x, where, value); };
  return ops::replace("masked_fill_", *this, fill, mask);
}
Tensor& Tensor::lerp_(const Tensor& end, Scalar weight) {
  const auto lerp = [&](const Tensor& x, const Tensor& to) { return mica::lerp(x, to, weight); };
  return ops::replace("lerp_", *this, lerp, end);
}
Tensor& Tensor::addcmul_(const Tensor& a, const Tensor& b, Scalar value) {
  const auto add = [&](const Tensor& x, const Tensor& y, const Tensor& z) { return addcmul(x, y, z, value); };
  return ops::replace("addcmul_", *this, add, a, b);
}
Tensor& Tensor::addcdiv_(const Tensor& a, const Tensor& b, Scalar value) {
  const auto add = [&](const Tensor& x, const Tensor& y, const Tensor& z) { return addcdiv(x, y, z, value); };
  return ops::replace("addcdiv_", *this, add, a, b);
}

}  // namespace mica
