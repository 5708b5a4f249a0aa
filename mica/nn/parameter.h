// The leaves of a module: what it learns, what it keeps, whether it trains.
#pragma once

#include <utility>

#include <mica/tensor/tensor.h>

namespace mica::nn {

// A tensor that the module learns: found by parameters(), trained, saved. Move-only; `Tensor t = p` shares
// its memory, tied() its identity. A default-constructed one is absent ("bias=False"): nobody finds it.
class Parameter : public Tensor {
 public:
  Parameter() = default;
  // Shares the memory of `value`, without its history. Errors: not floating point while requires_grad; made
  // inside a forward.
  explicit Parameter(const Tensor& value, bool requires_grad = true);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;
  ~Parameter() = default;

 private:
  friend Parameter tied(const Parameter& other);
  struct Share {};
  Parameter(const Tensor& value, Share) : Tensor(value) {}
};

// The same parameter in another place: trained once, saved under both names (`nn::Parameter w =
// nn::tied(embed.weight)`).
Parameter tied(const Parameter& other);

enum class Persistence { persistent, transient };
inline constexpr Persistence transient = Persistence::transient;

// A tensor that belongs to the module but is not learned (running statistics): converted with it and, unless
// transient, saved. Move-only.
class Buffer : public Tensor {
 public:
  Buffer() = default;
  explicit Buffer(const Tensor& value, Persistence persistence = Persistence::persistent);
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;
  bool persistent() const { return persistence_ == Persistence::persistent; }

 private:
  Persistence persistence_ = Persistence::persistent;
};

// Whether the module trains or is used: set by train() and eval() on the model. A module that behaves
// differently declares one (`nn::Mode mode;`) and asks `if (mode.training)`.
struct Mode {
  bool training = true;
  explicit operator bool() const { return training; }
};

namespace detail {
// Errors: called inside a forward: a layer made there would be new at every call, never trained, and deaf to
// eval().
void forbid_construction_inside_forward(const char* type);
// `target` gets the memory, dtype and geometry of `source` and stays the tensor that it is, for all its
// handles. Backward passes that saved it notice. A gradient of another dtype is converted.
void replace_memory(const Tensor& target, const Tensor& source, const char* operation);
}  // namespace detail

}  // namespace mica::nn
