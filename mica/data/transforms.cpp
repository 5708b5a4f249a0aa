#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/data/transforms.h>

namespace mica::data {

namespace {

// What each of the 256 possible pixels becomes.
using Table = std::array<float, 256>;

Table make_table(double mean, double std) {
  if (!std::isfinite(mean)) throw Error("to_float", fmt::format("the mean {} is not a finite number", mean));
  if (!(std > 0)) throw Error("to_float", fmt::format("the standard deviation {} is not above 0", std));
  Table table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = (static_cast<float>(i) / 255 - static_cast<float>(mean)) / static_cast<float>(std);
  }
  return table;
}

// Planes of `plane` pixels take the tables in turn.
Tensor look_up(const Tensor& images, const std::vector<Table>& tables, std::int64_t plane) {
  const Tensor source = images.contiguous();
  Tensor y = empty(source.sizes());
  const std::uint8_t* in = source.data<std::uint8_t>().data();
  float* out = y.data<float>().data();
  parallel_for(0, y.numel(), std::int64_t{1} << 16, [&](std::int64_t first, std::int64_t last) {
    while (first < last) {
      const std::int64_t number = first / plane;
      const std::int64_t end = std::min(last, (number + 1) * plane);
      const Table& table = tables[static_cast<std::size_t>(number) % tables.size()];
      std::transform(in + first, in + end, out + first, [&](std::uint8_t pixel) { return table[pixel]; });
      first = end;
    }
  });
  return y;
}

void check_u8(const Tensor& images) {
  if (images.dtype() == u8) return;
  throw Error("to_float", fmt::format("expected u8 images, got {}", name(images.dtype())),
              images.is_floating_point() ? "they are floating point already: subtract and divide" : "");
}

}  // namespace

Tensor to_float(const Tensor& images, double mean, double std) {
  check_u8(images);
  return look_up(images, {make_table(mean, std)}, std::max<std::int64_t>(images.numel(), 1));
}

Tensor to_float(const Tensor& images, const std::vector<double>& mean, const std::vector<double>& std) {
  check_u8(images);
  const auto channels = static_cast<std::int64_t>(mean.size());
  if (mean.size() != std.size() || images.dim() < 2 || images.size(1) != channels) {
    throw Error("to_float",
                fmt::format("{} means and {} standard deviations for images {}", mean.size(), std.size(),
                            to_string(images.sizes())),
                "give one of each for every channel, which is dimension 1");
  }
  std::vector<Table> tables;
  tables.reserve(mean.size());
  for (std::size_t c = 0; c < mean.size(); ++c) tables.push_back(make_table(mean[c], std[c]));
  const std::int64_t planes = images.size(0) * channels;
  return look_up(images, tables, planes == 0 ? 1 : std::max<std::int64_t>(images.numel() / planes, 1));
}

}  // namespace mica::data
