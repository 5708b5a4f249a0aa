#include <map>
#include <string>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/preserve.h>
#include <mica/nn/same_bits.h>
#include <mica/nn/walk.h>
#include <mica/tensor/meta.h>

namespace mica::nn::detail {

namespace {

struct Saved {
  Tensor tensor, numbers;  // the handle, and a copy of what it shows, if it shows anything
};

}  // namespace

struct Preserve::State {
  std::map<std::string, bool> modes;
  std::map<std::string, Saved> tensors;
};

Preserve::Preserve(const ModuleRef& model)
    : model_(model), state_(new State()), generator_(default_generator()) {
  struct V final : Visitor {
    State* state = nullptr;
    void mode(std::string_view name, Mode& m) override { state->modes.emplace(path(name), m.training); }
    void buffer(std::string_view name, Buffer& b) override { tensor(name, b); }
    void tensor(std::string_view name, Tensor& x) override {
      state->tensors.emplace(path(name),
                             Saved{x, x.defined() && !is_meta(x) ? x.detach().clone() : Tensor()});
    }
  } v;
  v.state = state_.get();
  const NoGrad no_grad;
  model_.walk(v);
}

// Members are found again by their paths: a forward may have let a container of tensors grow.
Preserve::~Preserve() {
  struct V final : Visitor {
    const State* state = nullptr;
    void mode(std::string_view name, Mode& m) override {
      if (const auto it = state->modes.find(path(name)); it != state->modes.end()) m.training = it->second;
    }
    void buffer(std::string_view name, Buffer& b) override { tensor(name, b); }
    void tensor(std::string_view name, Tensor& x) override {
      const auto it = state->tensors.find(path(name));
      if (it == state->tensors.end()) return;
      const auto& [before, numbers] = it->second;
      if (!x.is_same(before)) x = before;
      if (!numbers.defined() || same_bits(before.detach(), numbers)) return;
      if (before.sizes() == numbers.sizes() && before.dtype() == numbers.dtype())
        before.detach().copy_(numbers);
      else
        replace_memory(before, numbers, "summary");
    }
  } v;
  v.state = state_.get();
  const NoGrad no_grad;
  model_.walk(v);
  default_generator() = generator_;
}

}  // namespace mica::nn::detail
