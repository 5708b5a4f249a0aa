// Tensors as the golden files of torch_cases.py hold them: {d: dtype, s: sizes, v: values}.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/ops/creation.h>
#include <mica/tensor/tensor.h>

namespace mica::golden {

inline nlohmann::json read(const std::string& name) {
  std::ifstream file(MICA_GOLDEN_DIR "/" + name);
  return nlohmann::json::parse(file);
}

inline double real(const nlohmann::json& v) {
  return v.is_string() ? std::stod(v.get<std::string>()) : v.get<double>();
}

inline DType dtype(const std::string& wanted) {
  constexpr DType all[] = {f32, f64, bf16, f16, i64, i32, u8, boolean};
  return *std::find_if(std::begin(all), std::end(all), [&](DType t) { return name(t) == wanted; });
}

inline Shape shape(const nlohmann::json& sizes) { return Shape(sizes.get<std::vector<std::int64_t>>()); }

inline Tensor tensor(const nlohmann::json& packed) {
  const DType type = dtype(packed.at("d"));
  Tensor x = empty(shape(packed.at("s")), type);
  const auto& values = packed.at("v");
  dispatch(type, [&]<class T>() {
    auto out = x.data<T>().begin();
    for (const auto& v : values) {
      if constexpr (std::is_same_v<T, bool>)
        *out++ = v.get<int>() != 0;
      else if constexpr (std::is_integral_v<T>)
        *out++ = v.get<T>();
      else if constexpr (std::is_same_v<T, double>)
        *out++ = real(v);
      else
        *out++ = T(static_cast<float>(real(v)));
    }
  });
  return x;
}

// Same dtype and shape; NaN, infinities and integers equal; f64 to 1e-12, f32 to 1e-5, narrow floats to one
// unit in the last place.
inline void expect_tensor(const Tensor& actual, const nlohmann::json& packed) {
  ASSERT_TRUE(actual.defined());
  const Tensor expected = tensor(packed);
  ASSERT_EQ(name(actual.dtype()), name(expected.dtype()));
  ASSERT_EQ(to_string(actual.sizes()), to_string(expected.sizes()));
  if (!expected.is_floating_point()) {
    EXPECT_EQ(actual.to_vector<std::int64_t>(), expected.to_vector<std::int64_t>());
    return;
  }
  const DType type = expected.dtype();
  const double tolerance = type == f64 ? 1e-12 : type == f32 ? 1e-5 : type == bf16 ? 0x1p-7 : 0x1p-10;
  const auto a = actual.to_vector<double>();
  const auto e = expected.to_vector<double>();
  for (std::size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i]))
      EXPECT_TRUE(std::isnan(a[i])) << "element " << i << " is " << a[i] << ", not NaN";
    else if (std::isinf(e[i]))
      EXPECT_EQ(a[i], e[i]) << "element " << i;
    else
      EXPECT_LE(std::abs(a[i] - e[i]), tolerance * std::max(1.0, std::abs(e[i])))
          << "element " << i << " is " << a[i] << ", not " << e[i];
  }
}

}  // namespace mica::golden
