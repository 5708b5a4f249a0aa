// The leaves of a module: what it learns, what it keeps, whether it trains.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <mica/core/dtype.h>
#include <mica/core/owned.h>
#include <mica/core/shape.h>
#include <mica/tensor/tensor.h>

namespace mica::nn {

// What is known of a tensor whose shape is not known yet; unknown sizes are -1.
struct Uninitialized {
  Shape sizes;
  DType dtype = f32;
  bool requires_grad = false;
  // Whether the shape can become this one.
  bool fits(const Shape& shape) const;
  std::string to_string() const;  // "f32 [8, ?]"
};

// What Parameter and Buffer have in common: a tensor that may be absent, or not have its shape yet, as those
// of lazy layers before their first call (torch.nn.UninitializedParameter). Until then it is undefined.
class StateTensor : public Tensor {
 public:
  bool is_uninitialized() const { return pending_ != nullptr; }
  bool is_absent() const { return !defined() && pending_ == nullptr; }
  // Null unless uninitialized.
  Uninitialized* pending() const { return pending_.get(); }
  // Gives it memory, whose numbers are anything. Errors: not uninitialized; a shape that does not fit.
  void materialize(const Shape& sizes);
  // Forgets its memory.
  void make_uninitialized(const Uninitialized& known);

 protected:
  StateTensor() = default;
  explicit StateTensor(const Tensor& value) : Tensor(value) {}

 private:
  Owned<Uninitialized> pending_;
};

// A tensor that the module learns: found by parameters(), trained, saved. Move-only; `Tensor t = p` shares
// its memory, tied() its identity. A default-constructed one is absent ("bias=False"): nobody finds it.
class Parameter : public StateTensor {
 public:
  Parameter() = default;
  // Shares the memory of `value`, without its history. Errors: not floating point while requires_grad; made
  // inside a forward.
  explicit Parameter(const Tensor& value, bool requires_grad = true);
  // Of a shape that is not known yet.
  static Parameter uninitialized(const Shape& sizes, DType dtype = f32);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;
  ~Parameter() = default;

 private:
  friend Parameter tied(const Parameter& other);
  struct Share {};
  Parameter(const Tensor& value, Share) : StateTensor(value) {}
};

// The same parameter in another place: trained once, saved under both names (`nn::Parameter w =
// nn::tied(embed.weight)`). Errors: it has no shape yet.
Parameter tied(const Parameter& other);

enum class Persistence { persistent, transient };
inline constexpr Persistence transient = Persistence::transient;

// A tensor that belongs to the module but is not learned (running statistics): converted with it and, unless
// transient, saved. Move-only.
class Buffer : public StateTensor {
 public:
  Buffer() = default;
  explicit Buffer(const Tensor& value, Persistence persistence = Persistence::persistent);
  // Of a shape that is not known yet.
  static Buffer uninitialized(const Shape& sizes, DType dtype = f32);
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
// Errors, always: the tensor at `path` has no shape yet. Says what to do.
[[noreturn]] void throw_uninitialized(const char* operation, std::string_view path,
                                      const StateTensor& tensor);
// `target` gets the memory, dtype and geometry of `source` and stays the tensor that it is, for all its
// handles. Backward passes that saved it notice. A gradient of another dtype is converted.
void replace_memory(const Tensor& target, const Tensor& source, const char* operation);
}  // namespace detail

}  // namespace mica::nn
