// Datasets: numbered examples, and new datasets made from them.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/core/function_ref.h>
#include <mica/tensor/tensor.h>

namespace mica::data {

// What a model is shown and what it should answer: one example, or a batch of them with the examples along
// the first dimension. `target` is undefined where a dataset has no answers.
struct Example {
  Tensor data, target;
};

// Examples numbered 0..size()-1. A dataset of your own needs size() and get(); both are called from several
// threads at once when a loader has workers. A pass over a dataset records no gradients.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::int64_t size() const = 0;
  // Errors: `index` outside 0..size()-1 (check_index() says so).
  virtual Example get(std::int64_t index) const = 0;
  // The examples of these numbers, stacked, each number as often as it is given. Override it where a batch is
  // cheaper than its examples one by one. Errors: no indices; those of get() and stacked().
  virtual Example batch(std::span<const std::int64_t> indices) const;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset(Dataset&&) = default;
  Dataset& operator=(const Dataset&) = default;
  Dataset& operator=(Dataset&&) = default;

  // Errors: `index` outside 0..size()-1.
  void check_index(std::int64_t index) const;
};

// Copies get(index) for each index into the rows of a batch. An exception of get() is nested in an Error that
// names the index. Errors: no indices; examples that differ in shape, dtype, or in having a target.
Example stacked(std::span<const std::int64_t> indices, FunctionRef<Example(std::int64_t)> get);

// A dataset of any type with shared ownership: how loaders and other datasets hold theirs. Written where a
// dataset is expected, it is made from one by value (copied, or moved in), or from a shared_ptr.
class AnyDataset {
 public:
  template <class D>
    requires std::derived_from<std::remove_cvref_t<D>, Dataset> &&
             (!std::is_abstract_v<std::remove_cvref_t<D>>)
  AnyDataset(D&& dataset)
      : dataset_(std::make_shared<const std::remove_cvref_t<D>>(std::forward<D>(dataset))) {}
  // Errors: null.
  AnyDataset(std::shared_ptr<const Dataset> dataset);
  template <std::derived_from<Dataset> D>
  AnyDataset(std::shared_ptr<D> dataset) : AnyDataset(std::shared_ptr<const Dataset>(std::move(dataset))) {}

  const Dataset& operator*() const { return *dataset_; }
  const Dataset* operator->() const { return dataset_.get(); }

 private:
  std::shared_ptr<const Dataset> dataset_;
};

// The rows of two tensors, along their first dimension (torch.utils.data.TensorDataset). A batch is gathered
// in one go, each row with one memcpy.
class TensorDataset final : public Dataset {
 public:
  // The tensors are shared, unless they have to be made contiguous. Errors: tensors without dimensions;
  // different numbers of rows.
  explicit TensorDataset(const Tensor& data, const Tensor& targets = {});

  std::int64_t size() const override { return data_.size(0); }
  // A copy: changing it in place does not change the dataset.
  Example get(std::int64_t index) const override;
  Example batch(std::span<const std::int64_t> indices) const override;

 private:
  Tensor data_, targets_;
};

// Some examples of another dataset, in the given order; they may repeat.
class Subset final : public Dataset {
 public:
  // Errors: indices that `base` does not have.
  Subset(AnyDataset base, std::vector<std::int64_t> indices);

  std::int64_t size() const override;
  Example get(std::int64_t index) const override;
  Example batch(std::span<const std::int64_t> indices) const override;
  // The numbers of the examples in the other dataset.
  std::span<const std::int64_t> indices() const;

 private:
  AnyDataset base_;
  std::shared_ptr<const std::vector<std::int64_t>> indices_;  // copies of a subset share them
};

// Each example of another dataset, changed by a function.
class MapDataset final : public Dataset {
 public:
  using Function = AnyFunction<Example(Example)>;
  // The function is called from several threads at once when a loader has workers. Errors: no function.
  MapDataset(AnyDataset base, Function function);

  std::int64_t size() const override { return base_->size(); }
  Example get(std::int64_t index) const override { return function_(base_->get(index)); }

 private:
  AnyDataset base_;
  Function function_;
};

// mapped(dataset, [](Example e) { e.data = e.data.flatten(); return e; })
inline MapDataset mapped(AnyDataset dataset, MapDataset::Function function) {
  return {std::move(dataset), std::move(function)};
}

// Parts of the given lengths that share no example, cut from one random permutation: the parts that
// torch.utils.data.random_split gives with a generator of this seed.
// Errors: a negative length; lengths that do not add up to the size of the dataset.
std::vector<Subset> random_split(const AnyDataset& dataset, std::span<const std::int64_t> lengths,
                                 std::uint64_t seed);

// auto [train, valid] = random_split(dataset, {55'000, 5'000}, seed);
template <std::size_t N>
std::array<Subset, N> random_split(const AnyDataset& dataset, const std::int64_t (&lengths)[N],
                                   std::uint64_t seed) {
  std::vector<Subset> parts = random_split(dataset, std::span<const std::int64_t>(lengths), seed);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset, N>{std::move(parts[I])...};
  }(std::make_index_sequence<N>());
}

}  // namespace mica::data
