#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <mica/core/parallel.h>
#include <mica/kernels/ctc.h>
#include <mica/kernels/floating.h>

namespace mica::kernels {
namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double most = std::max(a, b);
  return most == impossible ? impossible : most + std::log1p(std::exp(std::min(a, b) - most));
}

// One sequence: labels with blanks around them, as positions 0 to 2 S.
template <class T> struct Sequence {
  const Ctc& c;
  std::int64_t n;
  std::int64_t steps = c.input_lengths[n], labels = c.target_lengths[n], positions = 2 * labels + 1;

  std::int64_t label(std::int64_t s) const { return s % 2 == 0 ? c.blank : c.targets[n * c.longest + s / 2]; }
  double log_prob(std::int64_t t, std::int64_t label) const {
    return static_cast<double>(static_cast<const T*>(c.log_probs)[(t * c.batch + n) * c.classes + label]);
  }
  // May an alignment step over the blank between positions s - 2 and s?
  bool skips(std::int64_t s) const { return s >= 2 && s % 2 == 1 && label(s) != label(s - 2); }
};

// alpha[t][s]: log probability of the beginnings of alignments that are at position s at time t.
template <class T> double forward(const Sequence<T>& q, double* alpha, std::int64_t stride) {
  if (q.steps == 0) return q.labels == 0 ? 0 : -impossible;
  std::fill_n(alpha, q.positions, impossible);
  for (std::int64_t s = 0; s < std::min<std::int64_t>(2, q.positions); ++s)
    alpha[s] = q.log_prob(0, q.label(s));
  for (std::int64_t t = 1; t < q.steps; ++t) {
    const double* before = alpha + (t - 1) * stride;
    double* now = alpha + t * stride;
    for (std::int64_t s = 0; s < q.positions; ++s) {
      double sum = before[s];
      if (s >= 1) sum = log_add(sum, before[s - 1]);
      if (q.skips(s)) sum = log_add(sum, before[s - 2]);
      now[s] = sum + q.log_prob(t, q.label(s));
    }
  }
  const double* last = alpha + (q.steps - 1) * stride;
  return -(q.labels == 0 ? last[0] : log_add(last[q.positions - 1], last[q.positions - 2]));
}

// beta, its mirror image, is needed one time at a time.
template <class T>
void backward(const Sequence<T>& q, const double* alpha, std::int64_t stride, double loss, double scale,
              T* grad) {
  const auto count = static_cast<std::size_t>(q.positions);
  std::vector<double> beta(count, impossible), after(count);
  std::vector<double> occupied(static_cast<std::size_t>(q.c.classes));  // of each class, over its positions
  for (std::int64_t t = q.steps - 1; t >= 0; --t) {
    if (t == q.steps - 1) {
      for (std::int64_t s = std::max<std::int64_t>(0, q.positions - 2); s < q.positions; ++s)
        beta[static_cast<std::size_t>(s)] = q.log_prob(t, q.label(s));
    } else {
      after = beta;
      for (std::int64_t s = 0; s < q.positions; ++s) {
        const auto i = static_cast<std::size_t>(s);
        double sum = after[i];
        if (s + 1 < q.positions) sum = log_add(sum, after[i + 1]);
        if (s + 2 < q.positions && q.skips(s + 2)) sum = log_add(sum, after[i + 2]);
        beta[i] = sum + q.log_prob(t, q.label(s));
      }
    }
    std::ranges::fill(occupied, impossible);
    for (std::int64_t s = 0; s < q.positions; ++s) {
      double& total = occupied[static_cast<std::size_t>(q.label(s))];
      total = log_add(total, alpha[t * stride + s] + beta[static_cast<std::size_t>(s)]);
    }
    T* row = grad + (t * q.c.batch + q.n) * q.c.classes;
    for (std::int64_t k = 0; k < q.c.classes; ++k) {
      const double log_prob = q.log_prob(t, k);  // counted by alpha and by beta
      row[k] = static_cast<T>(
          (std::exp(log_prob) - std::exp(occupied[static_cast<std::size_t>(k)] + loss - log_prob)) * scale);
    }
  }
}

}  // namespace

void ctc(const Ctc& c, double* loss, double* log_alpha) {
  const std::int64_t stride = 2 * c.longest + 1;
  dispatch_floating("ctc_loss", c.dtype, [&]<class T>() {
    parallel_for(0, c.batch, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n)
        loss[n] = forward(Sequence<T>{c, n}, log_alpha + n * c.time * stride, stride);
    });
  });
}

void ctc_backward(const Ctc& c, const double* loss, const double* log_alpha, const void* grad_loss,
                  bool zero_infinity, void* grad_log_probs) {
  const std::int64_t stride = 2 * c.longest + 1;
  dispatch_floating("ctc_loss", c.dtype, [&]<class T>() {
    auto* grad = static_cast<T*>(grad_log_probs);
    std::fill_n(grad, c.time * c.batch * c.classes, T{0});
    parallel_for(0, c.batch, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        if (zero_infinity && std::isinf(loss[n])) continue;
        backward(Sequence<T>{c, n}, log_alpha + n * c.time * stride, stride, loss[n],
                 static_cast<double>(static_cast<const T*>(grad_loss)[n]), grad);
      }
    });
  });
}

}  // namespace mica::kernels
