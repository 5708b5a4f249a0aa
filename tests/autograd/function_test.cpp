#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/function.h>
#include <mica/autograd/gradcheck.h>
#include <mica/core/allocator.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::Context;
using autograd::Function;
using autograd::gradcheck;
using autograd::gradgradcheck;
using testing::HasSubstr;
using Inputs = std::span<const Tensor>;

Tensor input() { return from_vector(std::vector<double>{0.5, -1.5, 2}).requires_grad_(); }

struct Swish : Function<Swish> {
  struct Context : autograd::Context {
    double beta = 1;
  };
  static Tensor forward(Context& ctx, const Tensor& x, double beta) {
    ctx.beta = beta;
    ctx.save(x);
    return x * sigmoid(x * beta);
  }
  static Tensor backward(Context& ctx, const Tensor& grad) {
    const Tensor x = ctx.saved(0);
    const Tensor s = sigmoid(x * ctx.beta);
    return grad * (s + x * s * (1 - s) * ctx.beta);
  }
};

TEST(Function, HasFirstAndSecondDerivatives) {
  const Tensor x = input();
  const auto swish = [](Inputs in) { return Swish::apply(in[0], 2.0); };
  EXPECT_EQ(gradcheck(swish, {&x, 1}), "");
  EXPECT_EQ(gradgradcheck(swish, {&x, 1}), "");
  EXPECT_EQ(Swish::apply(x, 2.0).grad_fn_name(), "Swish");
}

TEST(Function, RecordsNothingWhenNobodyWantsGradients) {
  EXPECT_FALSE(Swish::apply(input().detach(), 1.0).requires_grad());
  const NoGrad off;
  EXPECT_FALSE(Swish::apply(input(), 1.0).requires_grad());
}

// Saves its result, whose second derivative must go on through the result's history.
struct Exp : Function<Exp> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    Tensor y = exp(x);
    ctx.save(y);
    return y;
  }
  static Tensor backward(Context& ctx, const Tensor& grad) { return grad * ctx.saved(0); }
};

TEST(Function, SavesResultsWithTheirHistoryAndWithoutACycle) {
  const auto in_use = memory_stats().in_use;
  {
    const Tensor x = input();
    const auto fn = [](Inputs in) { return Exp::apply(in[0]); };
    EXPECT_EQ(gradcheck(fn, {&x, 1}), "");
    EXPECT_EQ(gradgradcheck(fn, {&x, 1}), "");
    static_cast<void>(Exp::apply(x));  // never run
  }
  EXPECT_EQ(memory_stats().in_use, in_use);
}

// (a, b, scale, c?) -> (a * b * scale, a + c, which is positive)
struct Mixed : Function<Mixed> {
  struct Context : autograd::Context {
    int scale = 0;
    bool has_c = false;
  };
  static std::tuple<Tensor, Tensor, Tensor> forward(Context& ctx, const Tensor& a, int scale, const Tensor& b,
                                                    const std::optional<Tensor>& c) {
    ctx.save(a, b);
    ctx.scale = scale;
    ctx.has_c = c.has_value();
    return {a * b * scale, c ? a + *c : a.clone(), gt(a, 0)};
  }
  static std::array<Tensor, 3> backward(Context& ctx, const Tensor& product, const Tensor& sum,
                                        const Tensor&) {
    const auto [a, b] = ctx.saved<2>();
    return {product * b * ctx.scale + sum, ctx.needs_input_grad(1) ? product * a * ctx.scale : Tensor(),
            ctx.has_c ? sum : Tensor()};
  }
};

TEST(Function, MixesTensorsAndOtherArgumentsAndHasSeveralResults) {
  const std::vector<Tensor> in{input(), input(), input()};
  const auto fn = [](Inputs x) {
    const auto [product, sum, positive] = Mixed::apply(x[0], 3, x[1], std::optional(x[2]));
    EXPECT_FALSE(positive.requires_grad());
    return product * 2 + square(sum);
  };
  EXPECT_EQ(gradcheck(fn, in), "");
  EXPECT_EQ(gradgradcheck(fn, in), "");
}

TEST(Function, GetsZerosForResultsThatWereNotUsed) {
  const Tensor a = input(), b = input();
  const auto [product, sum, positive] = Mixed::apply(a, 3, b, std::optional<Tensor>());
  sum.sum().backward();
  EXPECT_EQ(a.grad().to_vector<double>(), std::vector<double>(3, 1));
  EXPECT_EQ(b.grad().to_vector<double>(), std::vector<double>(3, 0));
}

struct Sum : Function<Sum> {
  static Tensor forward(Context&, const std::vector<Tensor>& list) {
    Tensor y = list[0].clone();
    for (std::size_t i = 1; i < list.size(); ++i) y = y + list[i];
    return y;
  }
  static std::vector<Tensor> backward(Context&, const Tensor& grad) { return {grad, grad * 10, grad * 100}; }
};

TEST(Function, TakesListsOfTensors) {
  const std::vector<Tensor> in{input(), input(), input()};
  Sum::apply(in).sum().backward();
  EXPECT_EQ(in[2].grad().to_vector<double>(), std::vector<double>(3, 100));
}

struct Split : Function<Split> {
  static std::vector<Tensor> forward(Context& ctx, const Tensor& x, int parts) {
    std::vector<Tensor> out;
    for (int i = 0; i < parts; ++i) out.push_back(x * i);
    ctx.mark_non_differentiable(out[2]);
    ctx.set_materialize_grads(false);
    return out;
  }
  static Tensor backward(Context&, std::span<const Tensor> grads) {
    EXPECT_FALSE(grads[0].defined());
    EXPECT_FALSE(grads[2].defined());
    return grads[1] * 7;
  }
};

TEST(Function, ListsOfResultsMayHaveSomeWithoutGradients) {
  const Tensor x = input();
  const auto parts = Split::apply(x, 3);
  EXPECT_TRUE(parts[0].requires_grad());
  EXPECT_FALSE(parts[2].requires_grad());
  (parts[1] + parts[2]).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 7));
}

struct Same : Function<Same> {
  static Tensor forward(Context&, const Tensor& x) { return x; }
  static Tensor backward(Context&, const Tensor& grad) { return grad * -1; }
};

TEST(Function, MayReturnItsInput) {
  const Tensor x = input();
  Tensor y = Same::apply(x);
  EXPECT_EQ(x.grad_fn_name(), "");
  EXPECT_TRUE(y.shares_storage(x));
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, -1));
  EXPECT_THAT(message_of([&] { y.add_(1); }), HasSubstr("view"));  // x would change with it
}

// ---- errors ----

struct Miscounts : Function<Miscounts> {
  static Tensor forward(Context&, const Tensor& a, const Tensor& b) { return a + b; }
  static Tensor backward(Context&, const Tensor& grad) { return grad; }
};
struct Misshapes : Function<Misshapes> {
  static Tensor forward(Context&, const Tensor& a) { return a * 2; }
  static Tensor backward(Context&, const Tensor& grad) { return grad.narrow(0, 0, 2); }
};
struct ChangesInput : Function<ChangesInput> {
  static Tensor forward(Context&, const Tensor& a) { return Tensor(a).add_(1); }
  static Tensor backward(Context&, const Tensor& grad) { return grad; }
};
// Saves what lies between input and result: the slope is right, the slope of the slope would not be.
struct Between : Function<Between> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    const Tensor e = exp(x);
    ctx.save(e);
    return e + 1;
  }
  static Tensor backward(Context& ctx, const Tensor& grad) { return grad * ctx.saved(0); }
};
struct Masked : Function<Masked> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    const Tensor mask = from_vector(std::vector<double>{0, 2, 2});
    ctx.save_constant(mask);
    return x * mask;
  }
  static Tensor backward(Context& ctx, const Tensor& grad) { return grad * ctx.saved(0); }
};
struct Once : Function<Once> {
  static constexpr bool once_differentiable = true;
  static Tensor forward(Context& ctx, const Tensor& x) {
    ctx.save(x);
    return square(x);
  }
  static Tensor backward(Context& ctx, const Tensor& grad) {
    EXPECT_FALSE(autograd::grad_enabled());
    return grad * ctx.saved(0) * 2;
  }
};

TEST(Function, ErrorsNameItAndSayWhatIsWrong) {
  const Tensor x = input(), y = input();
  EXPECT_THAT(message_of([&] { Miscounts::apply(x, y).sum().backward(); }),
              HasSubstr("[Miscounts] backward returned 1 gradients for 2 tensor inputs"));
  EXPECT_THAT(
      message_of([&] { Misshapes::apply(x).sum().backward(); }),
      HasSubstr("[Misshapes] its backward rule gave a gradient of shape [2] for an input of shape [3]"));
  EXPECT_THAT(message_of([&] { ChangesInput::apply(x); }),
              HasSubstr("[ChangesInput] forward changed tensor input 0 in place"));
}

TEST(Function, SavedTensorsAreWatched) {
  const Tensor x = input();
  Tensor h = x * 1;
  const Tensor y = Swish::apply(h, 1.0).sum();
  h.mul_(2);
  const std::string what = message_of([&] { y.backward(); });
  EXPECT_THAT(what, HasSubstr("[Swish] the input that it saved for backward"));
  EXPECT_THAT(what, HasSubstr("changed in place afterwards by mul_"));
  const Tensor once = Swish::apply(x, 1.0).sum();
  once.backward();
  EXPECT_THAT(message_of([&] { once.backward(); }),
              HasSubstr("freed by an earlier backward pass (at operation "));
}

TEST(Function, SecondDerivativesAreRightOrThrow) {
  const Tensor x = input();
  const Tensor slope = autograd::grad(Between::apply(x).sum(), x, {.create_graph = true});
  EXPECT_EQ(slope.to_vector<double>(), exp(x).to_vector<double>());
  EXPECT_THAT(
      message_of([&] { slope.sum().backward(); }),
      HasSubstr("[Between] a second derivative goes through a saved tensor of shape [3] that is neither"));
  const auto masked = [](Inputs in) { return square(Masked::apply(in[0])); };
  EXPECT_EQ(gradcheck(masked, {&x, 1}), "");
  EXPECT_EQ(gradgradcheck(masked, {&x, 1}), "");
  const Tensor once = autograd::grad(Once::apply(x).sum(), x, {.create_graph = true});
  EXPECT_THAT(message_of([&] { once.sum().backward(); }),
              HasSubstr("[Once] it is declared once_differentiable"));
  EXPECT_EQ(gradcheck([](Inputs in) { return Once::apply(in[0]); }, {&x, 1}), "");
}

struct AsksTooMuch : Function<AsksTooMuch> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    ctx.save(x);
    return x * 2;
  }
  static Tensor backward(Context& ctx, const Tensor&) { return ctx.saved(1); }
};

TEST(Function, AskingForWhatIsNotThereThrows) {
  EXPECT_THAT(message_of([&] { AsksTooMuch::apply(input()).sum().backward(); }),
              HasSubstr("[AsksTooMuch] backward asks for saved tensor 1, but forward saved 1"));
  Context ctx;
  EXPECT_THAT(message_of([&] { ctx.saved(0); }), HasSubstr("saved() is for backward"));
  EXPECT_THAT(message_of([&] { static_cast<void>(ctx.needs_input_grad(0)); }),
              HasSubstr("tensor input 0 of 0"));
}

}  // namespace
}  // namespace mica
