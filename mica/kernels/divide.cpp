// Division with a remainder, whole powers and bits.
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <mica/kernels/plain.h>

namespace mica::kernels {
namespace {

// The lowest integer divided by -1 does not fit and traps; it wraps around, as the other arithmetic does.
template <class T> bool is_minus_one(T b) { return std::is_signed_v<T> && b == static_cast<T>(-1); }
template <class T> T negative(T a) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(U{0} - static_cast<U>(a));
}

struct Fmod {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fmod(a, b);
    else
      return is_minus_one(b) ? T{0} : static_cast<T>(a % b);
  }
};

struct Remainder {
  template <class T> T operator()(T a, T b) const {
    const T r = Fmod{}(a, b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
  }
};

struct DivTrunc {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::trunc(a / b);
    else
      return is_minus_one(b) ? negative(a) : static_cast<T>(a / b);
  }
};

struct DivFloor {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      // As Python: a // b is consistent with the remainder, where floor(a / b) may have been rounded up.
      if (b == 0) return a / b;
      const T r = Fmod{}(a, b);
      T quotient = (a - r) / b;
      if (r != 0 && (r < 0) != (b < 0)) quotient -= 1;
      if (quotient == 0) return std::copysign(T{0}, a / b);
      const T whole = std::floor(quotient);
      return quotient - whole > T{0.5} ? whole + 1 : whole;
    } else {
      const T quotient = DivTrunc{}(a, b);
      const T r = Fmod{}(a, b);
      return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(quotient - 1) : quotient;
    }
  }
};

struct WholePower {  // 1 / a^-b rounds to 0, but for a = 1 and a = -1
  template <class T> T operator()(T a, T b) const {
    if (b < 0) return a == 1 ? T{1} : !is_minus_one(a) ? T{0} : b % 2 == 0 ? T{1} : a;
    std::uint64_t base = static_cast<std::uint64_t>(a);
    std::uint64_t power = 1;
    for (auto rest = static_cast<std::uint64_t>(b); rest != 0; rest /= 2) {
      if (rest % 2 != 0) power *= base;
      base *= base;
    }
    return static_cast<T>(power);
  }
};

struct BitwiseAnd {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); }
};
struct BitwiseOr {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); }
};
struct BitwiseXor {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); }
};

template <class T> RowKernel quotients(Binary op) {
  switch (op) {
    case Binary::fmod: return plain_binary<T, Fmod>;
    case Binary::remainder: return plain_binary<T, Remainder>;
    case Binary::div_floor: return plain_binary<T, DivFloor>;
    case Binary::div_trunc: return plain_binary<T, DivTrunc>;
    default: return nullptr;
  }
}

template <class T> RowKernel bits(Binary op) {
  switch (op) {
    case Binary::bitwise_and: return plain_binary<T, BitwiseAnd>;
    case Binary::bitwise_or: return plain_binary<T, BitwiseOr>;
    case Binary::bitwise_xor: return plain_binary<T, BitwiseXor>;
    default: return nullptr;
  }
}

template <class T> RowKernel of_integers(Binary op) {
  if (op == Binary::pow) return plain_binary<T, WholePower>;
  const RowKernel kernel = quotients<T>(op);
  return kernel != nullptr ? kernel : bits<T>(op);
}

}  // namespace

RowKernel division_kernel(Binary op, DType dtype) {
  switch (dtype) {
    case DType::f32: return quotients<float>(op);
    case DType::f64: return quotients<double>(op);
    case DType::i64: return of_integers<std::int64_t>(op);
    case DType::i32: return of_integers<std::int32_t>(op);
    case DType::u8: return of_integers<std::uint8_t>(op);
    case DType::boolean: return bits<std::uint8_t>(op);
    case DType::bf16:
    case DType::f16: return nullptr;
  }
  return nullptr;
}

}  // namespace mica::kernels
