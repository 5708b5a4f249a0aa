#include <type_traits>
#include <vector>

#include <mica/kernels/gemm.h>

namespace mica::kernels::reference {

namespace {

// Floating point sums up in double; integers wrap around, which only unsigned ones may.
template <class T> struct Accumulator {
  using type = double;
};
template <class T>
  requires std::is_integral_v<T>
struct Accumulator<T> {
  using type = std::make_unsigned_t<T>;
};

template <class T> void multiply(const Gemm& g, const T* a, const T* b, T* c) {
  using Sum = typename Accumulator<T>::type;
  const std::int64_t a_row = g.trans_a ? 1 : g.lda, a_column = g.trans_a ? g.lda : 1;
  const Sum beta = static_cast<Sum>(static_cast<T>(g.beta));
  std::vector<Sum> sums(static_cast<std::size_t>(g.n));
  for (std::int64_t i = 0; i < g.m; ++i) {
    T* c_row = c + i * g.ldc;
    for (std::int64_t j = 0; j < g.n; ++j) {
      sums[static_cast<std::size_t>(j)] = g.beta == 0 ? Sum{0} : beta * static_cast<Sum>(c_row[j]);
    }
    for (std::int64_t p = 0; p < g.k; ++p) {
      const Sum factor = static_cast<Sum>(a[i * a_row + p * a_column]);
      const auto add_row = [&](const T* b_row, std::int64_t stride) {
        for (std::int64_t j = 0; j < g.n; ++j) {
          sums[static_cast<std::size_t>(j)] += factor * static_cast<Sum>(b_row[j * stride]);
        }
      };
      if (g.trans_b) {
        add_row(b + p, g.ldb);
      } else {
        add_row(b + p * g.ldb, 1);  // a literal stride lets the compiler vectorise
      }
    }
    for (std::int64_t j = 0; j < g.n; ++j) c_row[j] = static_cast<T>(sums[static_cast<std::size_t>(j)]);
  }
}

template <class T> void multiply_all(const Gemm& g) {
  for (std::int64_t i = 0; i < g.batch; ++i) {
    multiply(g, static_cast<const T*>(g.a) + i * g.batch_stride_a,
             static_cast<const T*>(g.b) + i * g.batch_stride_b, static_cast<T*>(g.c) + i * g.batch_stride_c);
  }
}

}  // namespace

void gemm(const Gemm& g) {
  switch (g.dtype) {
    case DType::f32: return multiply_all<float>(g);
    case DType::f64: return multiply_all<double>(g);
    case DType::i64: return multiply_all<std::int64_t>(g);
    case DType::i32: return multiply_all<std::int32_t>(g);
    default: return;
  }
}

}  // namespace mica::kernels::reference
