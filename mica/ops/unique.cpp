#include <mica/ops/compare.h>
#include <mica/ops/count.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>
#include <mica/ops/mask.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/scan.h>
#include <mica/ops/sort.h>

namespace mica {

namespace {

// One of each run of equal elements of `line`, whose element i was at position[i] of x.
Unique runs(const char* name, const Tensor& x, const Tensor& line, const Tensor& position,
            const UniqueOptions& options) {
  const std::int64_t n = line.numel();
  Tensor starts = ones({n}, boolean);
  if (n > 1) starts = cat({ones({1}, boolean), ne(line.narrow(0, 1, n - 1), line.narrow(0, 0, n - 1))});
  Unique result{.values = line.masked_select(starts), .inverse = {}, .counts = {}};
  const Tensor run = starts.cumsum(0) - 1;
  if (options.return_inverse) result.inverse = zeros({n}, i64).scatter(0, position, run).reshape(x.sizes());
  if (options.return_counts) result.counts = bincount(run);
  if (autograd::recording(x)) {
    const Tensor inputs[] = {x};
    result.values = autograd::record_not_differentiable(name, result.values, inputs);
  }
  return result;
}

}  // namespace

Unique unique(const Tensor& x, const UniqueOptions& options) {
  const auto [values, indices] = x.detach().flatten().sort();
  return runs("unique", x, values, indices, options);
}

Unique unique_consecutive(const Tensor& x, const UniqueOptions& options) {
  return runs("unique_consecutive", x, x.detach().flatten(), arange(x.numel()), options);
}

}  // namespace mica
