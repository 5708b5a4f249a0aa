#include <optional>
#include <tuple>
#include <utility>

#include <mica/nn/find_tensors.h>
#include <mica/ops/packed.h>

namespace mica::nn::detail {

namespace {

void append(const Tensor& x, std::vector<Tensor>& out) {
  if (x.defined()) out.push_back(x);
}
void append(const std::optional<Tensor>& x, std::vector<Tensor>& out) {
  if (x) append(*x, out);
}
void append(const std::vector<Tensor>& list, std::vector<Tensor>& out) {
  for (const Tensor& x : list) append(x, out);
}
void append(const PackedSequence& x, std::vector<Tensor>& out) { append(x.data, out); }
template <class A, class B> void append(const std::pair<A, B>& pair, std::vector<Tensor>& out) {
  append(pair.first, out);
  append(pair.second, out);
}
template <class... T> void append(const std::tuple<T...>& tuple, std::vector<Tensor>& out) {
  std::apply([&](const auto&... items) { (append(items, out), ...); }, tuple);
}

template <class... T> std::vector<Tensor> find_tensors_one_of(const Value& value) {
  std::vector<Tensor> out;
  const auto is_a = [&]<class U>(std::type_identity<U>) {
    const U* known = value.get_if<U>();
    if (known != nullptr) append(*known, out);
    return known != nullptr;
  };
  static_cast<void>((is_a(std::type_identity<T>()) || ...));
  return out;
}

}  // namespace

std::vector<Tensor> find_tensors(const Value& value) {
  using Pair = std::pair<Tensor, Tensor>;
  return find_tensors_one_of<Tensor, std::optional<Tensor>, std::vector<Tensor>, Pair,
                             std::pair<Tensor, Pair>, PackedSequence, std::pair<PackedSequence, Tensor>,
                             std::pair<PackedSequence, Pair>, std::tuple<Tensor>, std::tuple<Tensor, Tensor>,
                             std::tuple<Tensor, Tensor, Tensor>, std::tuple<Tensor, Tensor, Tensor, Tensor>,
                             std::tuple<Tensor, std::tuple<Tensor, Tensor>>>(value);
}

}  // namespace mica::nn::detail
