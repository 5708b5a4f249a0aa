#include <algorithm>
#include <cstring>
#include <exception>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/core/random.h>
#include <mica/data/dataset.h>

namespace mica::data {

namespace {

std::size_t bytes_of(const Tensor& x) { return static_cast<std::size_t>(x.numel()) * item_size(x.dtype()); }

Shape with_rows(std::int64_t rows, Shape row) {
  row.insert(0, rows);
  return row;
}

std::string describe(const Tensor& x) {
  return x.defined() ? fmt::format("{} of {}", name(x.dtype()), to_string(x.sizes())) : "nothing";
}

// One half of a batch (the data or the targets) while its rows arrive.
class Column {
 public:
  Column(const char* name, std::int64_t rows) : name_(name), rows_(rows) {}

  void put(std::int64_t row, std::int64_t index, const Tensor& x) {
    if (row == 0) {
      first_index_ = index;
      first_ = x;
      if (x.defined()) joined_ = empty(with_rows(rows_, x.sizes()), x.dtype());
    }
    if (!fits(x)) {
      throw Error("Dataset::batch",
                  fmt::format("{} is {} in example {} but {} in example {}", name_, describe(first_),
                              first_index_, describe(x), index),
                  "the examples of a batch are stacked: bring them to one shape with mapped(), or take them "
                  "one by one");
    }
    if (!x.defined()) return;
    const Tensor source = x.contiguous();
    const std::size_t bytes = bytes_of(source);
    std::memcpy(static_cast<std::byte*>(joined_.raw_data()) + static_cast<std::size_t>(row) * bytes,
                source.raw_data(), bytes);
  }
  Tensor take() { return std::move(joined_); }

 private:
  bool fits(const Tensor& x) const {
    if (x.defined() != first_.defined()) return false;
    return !x.defined() || (x.dtype() == first_.dtype() && x.sizes() == first_.sizes());
  }

  const char* name_;
  std::int64_t rows_;
  std::int64_t first_index_ = 0;
  Tensor first_, joined_;
};

// Inside a catch block: throws an Error that names the index, with the exception caught nested in it.
[[noreturn]] void rethrow_with_index(std::int64_t index) {
  try {
    throw;
  } catch (const Error& e) {
    std::throw_with_nested(
        Error(e.operation(), fmt::format("{} (example {})", e.message(), index), e.hint()));
  } catch (const std::exception& e) {
    std::throw_with_nested(Error("Dataset::get", fmt::format("example {}: {}", index, e.what())));
  } catch (...) {
    std::throw_with_nested(Error("Dataset::get", fmt::format("example {}: an unknown exception", index)));
  }
}

void check_range(const char* operation, std::int64_t index, std::int64_t size) {
  if (index >= 0 && index < size) return;
  throw Error(operation, fmt::format("there is no example {} in a dataset of {}", index, size),
              size > 0 ? fmt::format("examples are numbered 0 to {}", size - 1) : "");
}

// The rows of `x` with these numbers, which are in range.
Tensor gather_rows(const Tensor& x, std::span<const std::int64_t> indices) {
  Shape sizes = x.sizes();
  sizes[0] = static_cast<std::int64_t>(indices.size());
  Tensor y = empty(sizes, x.dtype());
  if (y.numel() == 0) return y;
  const std::size_t row_bytes = bytes_of(y) / indices.size();
  const auto* source = static_cast<const std::byte*>(x.raw_data());
  auto* target = static_cast<std::byte*>(y.raw_data());
  // Below half a megabyte a second thread costs more than it saves.
  const auto grain = static_cast<std::int64_t>((std::size_t{1} << 19) / row_bytes);
  parallel_for(0, sizes[0], grain, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      std::memcpy(target + i * row_bytes, source + static_cast<std::size_t>(indices[i]) * row_bytes,
                  row_bytes);
    }
  });
  return y;
}

Tensor copy_of_row(const Tensor& x, std::int64_t index) {
  return x.defined() ? x.select(0, index).clone() : Tensor();
}

}  // namespace

void Dataset::check_index(std::int64_t index) const { check_range("Dataset::get", index, size()); }

Example Dataset::batch(std::span<const std::int64_t> indices) const {
  return stacked(indices, [this](std::int64_t index) { return get(index); });
}

Example stacked(std::span<const std::int64_t> indices, FunctionRef<Example(std::int64_t)> get) {
  if (indices.empty()) throw Error("Dataset::batch", "a batch of no examples");
  const auto rows = static_cast<std::int64_t>(indices.size());
  Column data("the data", rows), target("the target", rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t index = indices[static_cast<std::size_t>(row)];
    const Example example = [&] {
      try {
        return get(index);
      } catch (...) {
        rethrow_with_index(index);
      }
    }();
    data.put(row, index, example.data);
    target.put(row, index, example.target);
  }
  return {data.take(), target.take()};
}

AnyDataset::AnyDataset(std::shared_ptr<const Dataset> dataset) : dataset_(std::move(dataset)) {
  if (!dataset_) throw Error("AnyDataset", "the pointer to the dataset is null");
}

TensorDataset::TensorDataset(const Tensor& data, const Tensor& targets) {
  if (!data.defined()) throw Error("TensorDataset", "the data is an undefined tensor");
  for (const Tensor& x : {data, targets}) {
    if (x.defined() && x.dim() == 0) {
      throw Error("TensorDataset", "a 0-d tensor has no rows",
                  "give tensors with examples along dimension 0");
    }
  }
  if (targets.defined() && targets.size(0) != data.size(0)) {
    throw Error("TensorDataset",
                fmt::format("{} rows of data, but {} of targets", data.size(0), targets.size(0)));
  }
  data_ = data.detach().contiguous();
  if (targets.defined()) targets_ = targets.detach().contiguous();
}

Example TensorDataset::get(std::int64_t index) const {
  check_index(index);
  return {copy_of_row(data_, index), copy_of_row(targets_, index)};
}

Example TensorDataset::batch(std::span<const std::int64_t> indices) const {
  if (indices.empty()) throw Error("Dataset::batch", "a batch of no examples");
  for (const std::int64_t index : indices) check_range("Dataset::batch", index, size());
  return {gather_rows(data_, indices), targets_.defined() ? gather_rows(targets_, indices) : Tensor()};
}

Subset::Subset(AnyDataset base, std::vector<std::int64_t> indices)
    : base_(std::move(base)),
      indices_(std::make_shared<const std::vector<std::int64_t>>(std::move(indices))) {
  const std::int64_t base_size = base_->size();
  for (const std::int64_t index : *indices_) check_range("Subset", index, base_size);
}

std::int64_t Subset::size() const { return static_cast<std::int64_t>(indices_->size()); }

std::span<const std::int64_t> Subset::indices() const { return *indices_; }

Example Subset::get(std::int64_t index) const {
  check_index(index);
  return base_->get((*indices_)[static_cast<std::size_t>(index)]);
}

Example Subset::batch(std::span<const std::int64_t> indices) const {
  std::vector<std::int64_t> in_base;
  in_base.reserve(indices.size());
  for (const std::int64_t index : indices) {
    check_range("Dataset::batch", index, size());
    in_base.push_back((*indices_)[static_cast<std::size_t>(index)]);
  }
  return base_->batch(in_base);
}

MapDataset::MapDataset(AnyDataset base, Function function)
    : base_(std::move(base)), function_(std::move(function)) {
  if (!function_) throw Error("MapDataset", "the function is empty");
}

std::vector<Subset> random_split(const AnyDataset& dataset, std::span<const std::int64_t> lengths,
                                 std::uint64_t seed) {
  std::int64_t total = 0;
  bool valid = true;
  for (const std::int64_t length : lengths) {
    valid = valid && length >= 0 && !__builtin_add_overflow(total, length, &total);
  }
  if (!valid || total != dataset->size()) {
    throw Error(
        "random_split",
        fmt::format("lengths {} do not divide a dataset of {}", fmt::join(lengths, " + "), dataset->size()),
        "lengths are not negative and add up to the size");
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(total));
  Generator generator(seed);
  fill_randperm(order, generator);

  std::vector<Subset> parts;
  parts.reserve(lengths.size());
  auto first = order.begin();
  for (const std::int64_t length : lengths) {
    parts.emplace_back(dataset, std::vector<std::int64_t>(first, first + length));
    first += length;
  }
  return parts;
}

}  // namespace mica::data
