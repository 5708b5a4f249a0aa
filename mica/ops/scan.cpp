#include <array>
#include <limits>

#include <mica/kernels/scan.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/recurrence.h>
#include <mica/ops/reduction.h>
#include <mica/ops/scan.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Scan;
using ops::Direction;
using Pair = std::array<Tensor, 2>;

namespace {

kernels::Lines lines_of(const Tensor& x, int d, Direction direction) {
  const ops::Extent e = ops::extent(x.sizes(), d);
  return {e.outer, e.n, e.inner, direction == Direction::backward};
}

// Without history, row-major.
Tensor plain(const Tensor& x) { return x.detach().contiguous(); }

Tensor scan(Scan op, const Tensor& given, int d, Direction direction) {
  const Tensor x = plain(given);
  Tensor y = empty(x.sizes(), x.dtype());
  kernels::scan(op, x.dtype(), lines_of(x, d, direction), x.raw_data(), y.raw_data());
  return y;
}

}  // namespace

namespace ops {

Tensor shifted(const Tensor& x, int d, Scalar edge, Direction direction) {
  Shape sizes = x.sizes();
  if (sizes.empty()) return full(sizes, edge, x.dtype());
  const std::int64_t n = sizes[d];
  if (n == 0) return x;
  sizes[d] = 1;
  const Tensor border = full(sizes, edge, x.dtype());
  return direction == Direction::forward ? cat({border, x.narrow(d, 0, n - 1)}, d)
                                         : cat({x.narrow(d, 1, n - 1), border}, d);
}

Tensor cumsum(const Tensor& x, int d, Direction direction) {
  Tensor y = scan(Scan::sum, x, d, direction);
  if (!recording(x)) return y;
  return record("cumsum", y, {&x}, [d, direction](const Node&, const Tensor& grad) {
    return cumsum(grad, d, opposite(direction));
  });
}

// With respect to x[i], y[k] is the product of those before x[i] and those from x[i + 1] to x[k]. What the
// latter weigh the gradients with is a recurrence, which needs no division and so is right for zeros.
Tensor cumprod(const Tensor& x, int d, Direction direction) {
  Tensor y = scan(Scan::prod, x, d, direction);
  if (!recording(x)) return y;
  return record("cumprod", y, {&x},
                [d, direction, x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  const Direction back = opposite(direction);
                  const Tensor before = shifted(y.get(node), d, 1, direction);
                  return before * recurrence(shifted(x.get(node), d, 0, back), grad, d, back);
                });
}

Tensor cumprod_before(const Tensor& x, int d, Direction direction) {
  return shifted(cumprod(x, d, direction), d, 1, direction);
}

Tensor recurrence(const Tensor& given_a, const Tensor& given_b, int d, Direction direction) {
  const Tensor a = plain(given_a);
  const Tensor b = plain(given_b);
  Tensor y = empty(b.sizes(), b.dtype());
  kernels::recurrence(b.dtype(), lines_of(b, d, direction), a.raw_data(), b.raw_data(), y.raw_data());
  if (!recording(given_a, given_b)) return y;
  return record(
      "recurrence", y, {&given_a, &given_b},
      [d, direction, a = Saved(given_a), y = SavedOutput(y)](const Node& node, const Tensor& grad) -> Pair {
        const Direction back = opposite(direction);
        const Tensor grad_b = recurrence(shifted(a.get(node), d, 0, back), grad, d, back);
        return {node.needs(0) ? grad_b * shifted(y.get(node), d, 0, direction) : Tensor(), grad_b};
      });
}

}  // namespace ops

namespace {

// What sums and products are computed and returned in.
struct ScanTypes {
  DType compute, result;
};
ScanTypes scan_types(DType given) {
  if (!is_floating_point(given)) return {i64, i64};
  return {ops::compute_type(given), given};
}

// The derivative of y[k] in x[i] is exp(x[i] - y[k]): the product of exp(x[i] - y[i]) and the steps from i to
// k, all of which are at most 1.
Tensor logcumsumexp_backward(const Tensor& grad, const Tensor& x, const Tensor& y, int d) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor nothing_yet = eq(y, -infinity);
  const Tensor rise = y - ops::shifted(y, d, infinity, Direction::backward);
  const Tensor decay = exp(masked_fill(rise, nothing_yet, -infinity));
  const Tensor share = exp(masked_fill(x - y, nothing_yet, -infinity));
  return share * ops::recurrence(decay, grad, d, Direction::backward);
}

ValuesIndices extremum(const char* name, bool largest, const Tensor& given, std::int64_t dim) {
  const int d = wrap_dim(dim, given.sizes().size(), name);
  const Tensor x = plain(given.detach().to(ops::compute_type(given.dtype())));
  Tensor values = empty(x.sizes(), x.dtype());
  Tensor indices = empty(x.sizes(), i64);
  kernels::scan_extremum(largest, x.dtype(), lines_of(x, d, Direction::forward), x.raw_data(),
                         values.raw_data(), indices.data<std::int64_t>().data());
  return {ops::record_selection(name, values.to(given.dtype()), given, d, indices, false), indices};
}

}  // namespace

Tensor Tensor::cumsum(std::int64_t dim) const {
  const int d = wrap_dim(dim, sizes().size(), "cumsum");
  const auto [compute, result] = scan_types(dtype());
  return ops::cumsum(to(compute), d, Direction::forward).to(result);
}

Tensor Tensor::cumprod(std::int64_t dim) const {
  const int d = wrap_dim(dim, sizes().size(), "cumprod");
  const auto [compute, result] = scan_types(dtype());
  return ops::cumprod(to(compute), d, Direction::forward).to(result);
}

Tensor logcumsumexp(const Tensor& given, std::int64_t dim) {
  ops::check_floating("logcumsumexp", given);
  const int d = wrap_dim(dim, given.sizes().size(), "logcumsumexp");
  const Tensor x = given.to(ops::compute_type(given.dtype()));
  Tensor y = scan(Scan::logsumexp, x, d, Direction::forward);
  if (recording(x)) {
    y = record("logcumsumexp", y, {&x},
               [d, x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                 return logcumsumexp_backward(grad, x.get(node), y.get(node), d);
               });
  }
  return y.to(given.dtype());
}

ValuesIndices cummax(const Tensor& x, std::int64_t dim) { return extremum("cummax", true, x, dim); }
ValuesIndices cummin(const Tensor& x, std::int64_t dim) { return extremum("cummin", false, x, dim); }

}  // namespace mica
