// Plain loops, in double, for comparison with the fused kernel.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <mica/kernels/attention.h>
#include <mica/kernels/floating.h>

namespace mica::kernels::reference {

namespace {

template <class T> struct Rows {
  const HeadRows& x;
  T& at(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t c) const {
    return static_cast<T*>(x.data)[b * x.batch_stride + h * x.head_stride + i * x.row_stride + c];
  }
};

double masked(const Attention& a, double score, std::int64_t b, std::int64_t h, std::int64_t i,
              std::int64_t j) {
  constexpr double hidden = -std::numeric_limits<double>::infinity();
  if (a.causal && j > i) return hidden;
  if (a.mask == nullptr) return score;
  const std::int64_t* s = a.mask_strides;
  const std::int64_t at = b * s[0] + h * s[1] + i * s[2] + j * s[3];
  if (a.mask_is_bytes) return static_cast<const std::uint8_t*>(a.mask)[at] != 0 ? score : hidden;
  return score + (a.dtype == DType::f32 ? static_cast<double>(static_cast<const float*>(a.mask)[at])
                                        : static_cast<const double*>(a.mask)[at]);
}

double kept(const Attention& a, std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) {
  if (a.kept == nullptr) return 1;
  return a.kept[((b * a.heads + h) * a.queries + i) * a.keys + j] != 0 ? a.kept_scale : 0;
}

// Calls body(batch, head, head of the keys, query, weights of the keys before dropout, logarithm of the sum).
template <class T, class Body> void for_queries(const Attention& a, const Body& body) {
  const Rows<T> query{a.query}, key{a.key};
  for (std::int64_t b = 0; b < a.batch; ++b) {
    for (std::int64_t h = 0; h < a.heads; ++h) {
      const std::int64_t from = h / (a.heads / a.kv_heads);
      for (std::int64_t i = 0; i < a.queries; ++i) {
        std::vector<double> p(static_cast<std::size_t>(a.keys));
        double max = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::int64_t j = 0; j < a.keys; ++j) {
          double score = 0;
          for (std::int64_t c = 0; c < a.features; ++c) {
            score += static_cast<double>(query.at(b, h, i, c)) * static_cast<double>(key.at(b, from, j, c));
          }
          double& at = p[static_cast<std::size_t>(j)];
          at = masked(a, a.features == 0 ? 0 : score * a.scale, b, h, i, j);
          max = std::fmax(max, at);
        }
        const double base = std::isinf(max) && max < 0 ? 0 : max;
        for (double& at : p) sum += at = std::exp(at - base);
        for (double& at : p) at = sum == 0 ? 0 : at / sum;
        body(b, h, from, i, p, sum == 0 ? 0 : base + std::log(sum));
      }
    }
  }
}

template <class T>
void fill_zero(const Attention& a, std::int64_t heads, std::int64_t rows, std::int64_t n, const HeadRows& x) {
  if (x.data == nullptr) return;
  for (std::int64_t b = 0; b < a.batch; ++b) {
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t c = 0; c < n; ++c) Rows<T>{x}.at(b, h, i, c) = 0;
      }
    }
  }
}

}  // namespace

void attention(const Attention& a, const HeadRows& out, void* log_sum) {
  dispatch_floating("attention", a.dtype, [&]<class T>() {
    const Rows<T> value{a.value}, y{out};
    for_queries<T>(a, [&](std::int64_t b, std::int64_t h, std::int64_t from, std::int64_t i,
                          const std::vector<double>& p, double log) {
      for (std::int64_t c = 0; c < a.value_features; ++c) {
        double sum = 0;
        for (std::int64_t j = 0; j < a.keys; ++j) {
          sum += p[static_cast<std::size_t>(j)] * kept(a, b, h, i, j) *
                 static_cast<double>(value.at(b, from, j, c));
        }
        y.at(b, h, i, c) = static_cast<T>(sum);
      }
      static_cast<T*>(log_sum)[(b * a.heads + h) * a.queries + i] = static_cast<T>(log);
    });
  });
}

void attention_backward(const Attention& a, const HeadRows&, const HeadRows& grad_out, const void*,
                        const HeadRows& grad_query, const HeadRows& grad_key, const HeadRows& grad_value) {
  dispatch_floating("attention_backward", a.dtype, [&]<class T>() {
    fill_zero<T>(a, a.heads, a.queries, a.features, grad_query);
    fill_zero<T>(a, a.kv_heads, a.keys, a.features, grad_key);
    fill_zero<T>(a, a.kv_heads, a.keys, a.value_features, grad_value);
    const Rows<T> query{a.query}, key{a.key}, value{a.value}, grad{grad_out};
    for_queries<T>(a, [&](std::int64_t b, std::int64_t h, std::int64_t from, std::int64_t i,
                          const std::vector<double>& p, double) {
      std::vector<double> slope(p.size());  // the gradient of the weights
      double dot = 0;
      for (std::int64_t j = 0; j < a.keys; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double factor = kept(a, b, h, i, j);
        for (std::int64_t c = 0; c < a.value_features; ++c) {
          const auto g = static_cast<double>(grad.at(b, h, i, c));
          slope[at] += factor * g * static_cast<double>(value.at(b, from, j, c));
          if (grad_value.data) Rows<T>{grad_value}.at(b, from, j, c) += static_cast<T>(factor * p[at] * g);
        }
        dot += slope[at] * p[at];
      }
      for (std::int64_t j = 0; j < a.keys; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double s = a.scale * p[at] * (slope[at] - dot);
        for (std::int64_t c = 0; c < a.features; ++c) {
          if (grad_query.data)
            Rows<T>{grad_query}.at(b, h, i, c) +=
                static_cast<T>(s * static_cast<double>(key.at(b, from, j, c)));
          if (grad_key.data)
            Rows<T>{grad_key}.at(b, from, j, c) +=
                static_cast<T>(s * static_cast<double>(query.at(b, h, i, c)));
        }
      }
    });
  });
}

}  // namespace mica::kernels::reference
