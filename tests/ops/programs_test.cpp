// Random programs against PyTorch: golden/make_programs.py made them and says what they are.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/autograd/engine.h>
#include <mica/data/gzip_file.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"
#include "golden.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;
using golden::Operation;

Operation call(std::function<Tensor(Inputs, const Args&)> fn) {
  return [fn = std::move(fn)](Inputs x, const Args& a) { return std::vector{fn(x, a)}; };
}
Operation with_number(Tensor (*fn)(Tensor, Scalar)) {
  return call([=](Inputs x, const Args& a) { return fn(x[0], a.scalar("s")); });
}
Operation over(Tensor (Tensor::*fn)(const Shape&, bool) const) {
  return call([=](Inputs x, const Args& a) { return (x[0].*fn)(a.shape("dims"), a.flag("keepdim")); });
}
Operation in_place(Tensor& (Tensor::*fn)(const Tensor&)) {
  return call([=](Inputs x, const Args&) { return (x[0].clone().*fn)(x[1]); });
}
Operation two_dims(Tensor (*fn)(const Tensor&, std::int64_t, std::int64_t)) {
  return call([=](Inputs x, const Args& a) { return fn(x[0], a.integer("dim0"), a.integer("dim1")); });
}
Operation along(std::function<Tensor(const Tensor&, std::int64_t dim, const Args&)> fn) {
  return call([fn = std::move(fn)](Inputs x, const Args& a) { return fn(x[0], a.integer("dim"), a); });
}

// By the names that the programs have for them.
const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> all{
      {"neg", golden::unary(neg)},
      {"exp", golden::unary(exp)},
      {"log", golden::unary(log)},
      {"sqrt", golden::unary(sqrt)},
      {"rsqrt", golden::unary(rsqrt)},
      {"reciprocal", golden::unary(reciprocal)},
      {"square", golden::unary(square)},
      {"abs", golden::unary(abs)},
      {"sign", golden::unary(sign)},
      {"relu", golden::unary(relu)},
      {"sigmoid", golden::unary(sigmoid)},
      {"tanh", golden::unary(tanh)},
      {"gelu", call([](Inputs x, const Args&) { return gelu(x[0]); })},
      {"clone", call([](Inputs x, const Args&) { return x[0].clone(); })},
      {"add_number", with_number(add)},
      {"sub_number", with_number(sub)},
      {"rsub_number", with_number(rsub)},
      {"mul_number", with_number(mul)},
      {"div_number", with_number(div)},
      {"pow_number", call([](Inputs x, const Args& a) { return pow(x[0], a.scalar("s")); })},
      {"add", call([](Inputs x, const Args&) { return x[0] + x[1]; })},
      {"sub", golden::binary(sub)},
      {"mul", golden::binary(mul)},
      {"div", golden::binary(div)},
      {"pow", golden::binary(pow)},
      {"maximum", golden::binary(maximum)},
      {"minimum", golden::binary(minimum)},
      {"clamp",
       call([](Inputs x, const Args& a) { return clamp(x[0], a.maybe_real("min"), a.maybe_real("max")); })},
      {"gt", golden::binary(gt)},
      {"le", golden::binary(le)},
      {"where", call([](Inputs x, const Args&) { return where(x[0], x[1], x[2]); })},
      {"masked_fill", call([](Inputs x, const Args& a) { return masked_fill(x[0], x[1], a.scalar("s")); })},
      {"add_", call([](Inputs x, const Args&) { return x[0].clone().add_(x[1]); })},
      {"sub_", in_place(&Tensor::sub_)},
      {"mul_", in_place(&Tensor::mul_)},
      {"div_", in_place(&Tensor::div_)},

      {"sum", over(&Tensor::sum)},
      {"mean", over(&Tensor::mean)},
      {"var", call([](Inputs x, const Args& a) { return x[0].var(a.shape("dims"), 0, a.flag("keepdim")); })},
      {"std", call([](Inputs x, const Args& a) { return x[0].std(a.shape("dims"), 0, a.flag("keepdim")); })},
      {"amax", over(&Tensor::amax)},
      {"amin", over(&Tensor::amin)},
      {"norm",
       call([](Inputs x, const Args& a) { return x[0].norm(2, a.shape("dims"), a.flag("keepdim")); })},
      {"logsumexp", over(&Tensor::logsumexp)},
      {"sum_all", call([](Inputs x, const Args&) { return x[0].sum(); })},
      {"mean_all", call([](Inputs x, const Args&) { return x[0].mean(); })},
      {"prod", along([](auto& x, auto dim, auto& a) { return x.prod(dim, a.flag("keepdim")); })},
      {"max", along([](auto& x, auto dim, auto& a) { return x.max(dim, a.flag("keepdim")).values; })},
      {"min", along([](auto& x, auto dim, auto& a) { return x.min(dim, a.flag("keepdim")).values; })},
      {"softmax", along([](auto& x, auto dim, auto&) { return softmax(x, dim); })},
      {"log_softmax", along([](auto& x, auto dim, auto&) { return log_softmax(x, dim); })},
      {"cumsum", along([](auto& x, auto dim, auto&) { return x.cumsum(dim); })},
      {"cumprod", along([](auto& x, auto dim, auto&) { return x.cumprod(dim); })},
      {"sort", along([](auto& x, auto dim, auto& a) { return x.sort(dim, a.flag("descending")).values; })},
      {"topk", along([](auto& x, auto dim, auto& a) {
         return x.topk(a.integer("k"), dim, a.flag("largest")).values;
       })},
      {"median", along([](auto& x, auto dim, auto& a) { return x.median(dim, a.flag("keepdim")).values; })},

      {"reshape", call([](Inputs x, const Args& a) { return x[0].reshape(a.shape("sizes")); })},
      {"flatten", call([](Inputs x, const Args&) { return x[0].flatten(); })},
      {"permute", call([](Inputs x, const Args& a) { return x[0].permute(a.shape("dims")); })},
      {"transpose", two_dims(transpose)},
      {"expand", call([](Inputs x, const Args& a) { return x[0].expand(a.shape("sizes")); })},
      {"unsqueeze", along([](auto& x, auto dim, auto&) { return x.unsqueeze(dim); })},
      {"squeeze", call([](Inputs x, const Args&) { return x[0].squeeze(); })},
      {"select", along([](auto& x, auto dim, auto& a) { return x.select(dim, a.integer("index")); })},
      {"narrow", along([](auto& x, auto dim, auto& a) {
         return x.narrow(dim, a.integer("start"), a.integer("length"));
       })},
      {"slice", along([](auto& x, auto dim, auto& a) {
         return x.slice(dim, {a.integer("first"), a.integer("last"), a.integer("step")});
       })},
      {"diagonal",
       call([](Inputs x, const Args& a) { return x[0].diagonal(0, a.integer("dim0"), a.integer("dim1")); })},
      {"flip", call([](Inputs x, const Args& a) { return flip(x[0], a.shape("dims")); })},
      {"roll", along([](auto& x, auto dim, auto& a) { return roll(x, {a.integer("shift")}, {dim}); })},
      {"repeat", call([](Inputs x, const Args& a) { return x[0].repeat(a.shape("sizes")); })},
      {"tril", call([](Inputs x, const Args& a) { return tril(x[0], a.integer("diagonal")); })},
      {"triu", call([](Inputs x, const Args& a) { return triu(x[0], a.integer("diagonal")); })},

      {"matmul", golden::binary(matmul)},
      {"cat", call([](Inputs x, const Args& a) { return cat(x, a.integer("dim")); })},
      {"stack", call([](Inputs x, const Args& a) { return stack(x, a.integer("dim")); })},
      {"index_select",
       along([](auto& x, auto dim, auto& a) { return x.index_select(dim, a.tensor("index")); })},
      {"gather", along([](auto& x, auto dim, auto& a) { return x.gather(dim, a.tensor("index")); })},
      {"scatter_add", call([](Inputs x, const Args& a) {
         return x[0].scatter_add(a.integer("dim"), a.tensor("index"), x[1]);
       })},
      {"embedding", call([](Inputs x, const Args& a) { return embedding(a.tensor("index"), x[0]); })},
      {"layer_norm", call([](Inputs x, const Args&) { return layer_norm(x[0], x[0].size(-1)); })},
      {"mse_loss", call([](Inputs x, const Args&) { return mse_loss(x[0], x[1]); })},

      {"sin", golden::unary(sin)},
      {"cos", golden::unary(cos)},
      {"erf", golden::unary(erf)},
      {"expm1", golden::unary(expm1)},
      {"log1p", golden::unary(log1p)},
      {"atan2", golden::binary(atan2)},
      {"lerp", call([](Inputs x, const Args&) { return lerp(x[0], x[1], 0.25 * x[2]); })},
      {"softplus", call([](Inputs x, const Args&) { return softplus(x[0]); })},
      {"outer", golden::binary(outer)},
  };
  return all;
}

// The program as one would write it, with the inputs' numbers.
std::string listing(const nlohmann::json& program) {
  std::string text;
  std::size_t number = 0;
  for (const auto& input : program.at("in"))
    text += fmt::format("  x{} = {} of shape {}\n", number++, input[1].dump(), input[0].dump());
  for (const auto& step : program.at("steps")) {
    std::vector<std::string> arguments;
    for (const int i : step[1]) arguments.push_back(fmt::format("x{}", i));
    for (const auto& [key, value] : step[2].items())
      arguments.push_back(fmt::format("{}={}", key, value.is_object() ? value.at("v").dump() : value.dump()));
    text += fmt::format("  x{} = {}({})\n", number++, step[0].get<std::string>(), fmt::join(arguments, ", "));
  }
  return text;
}

// "" if x has PyTorch's numbers within 1e-10 of the largest (or of 1).
std::string difference(const Tensor& x, const nlohmann::json& expected) {
  const auto wanted = expected.get<std::vector<double>>();
  const std::vector<double> found = x.to_vector<double>();
  if (found.size() != wanted.size()) return fmt::format("{} numbers, not {}", found.size(), wanted.size());
  double scale = 1;
  for (const double w : wanted) scale = std::max(scale, std::abs(w));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!(std::abs(found[i] - wanted[i]) <= 1e-10 * scale))
      return fmt::format("element {} is {}, not {}", i, found[i], wanted[i]);
  }
  return {};
}

// The direction in which torch_cases.py takes gradients.
Tensor direction(const Tensor& y) {
  std::vector<double> values(static_cast<std::size_t>(y.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<double>(7 * i % 11) - 5) / 4;
  return from_vector(std::move(values), y.sizes());
}

// What is wrong with the program's results or gradients; "" if nothing is.
std::string failure(const nlohmann::json& program) {
  std::vector<Tensor> values;
  for (const auto& input : program.at("in")) {
    values.push_back(from_vector(input[1].get<std::vector<double>>(), golden::shape(input[0])));
    values.back().requires_grad_();
  }
  const std::size_t inputs = values.size();
  for (const auto& step : program.at("steps")) {
    std::vector<Tensor> operands;
    for (const std::size_t i : step[1]) operands.push_back(values[i]);
    values.push_back(operations().at(step[0])(operands, Args(step[2])).front());
  }
  std::vector<Tensor> outputs, directions;
  for (const auto& output : program.at("out")) {
    const Tensor& y = values[output[0].get<std::size_t>()];
    if (y.sizes() != golden::shape(output[1]))
      return fmt::format("x{} has shape {}, not {}", output[0].get<int>(), to_string(y.sizes()),
                         output[1].dump());
    if (const auto wrong = difference(y, output[2]); !wrong.empty())
      return fmt::format("x{}: {}", output[0].get<int>(), wrong);
    outputs.push_back(y);
    directions.push_back(direction(y));
  }
  autograd::backward(outputs, directions);
  for (std::size_t i = 0; i < inputs; ++i) {
    const Tensor grad = values[i].grad();
    const auto& expected = program.at("grad")[i];
    if (expected.is_null() && (!grad.defined() || !(grad != 0).any().item<bool>())) continue;
    if (!grad.defined()) return fmt::format("x{} has no gradient", i);
    if (const auto wrong = difference(grad, expected); !wrong.empty())
      return fmt::format("gradient of x{}: {}", i, wrong);
  }
  return {};
}

nlohmann::json programs() {
  data::GzipFile file("programs", MICA_GOLDEN_DIR "/programs.json.gz");
  std::string text;
  std::vector<char> block(1 << 16);
  while (const std::size_t n = file.read(block.data(), block.size())) text.append(block.data(), n);
  return nlohmann::json::parse(text);
}

TEST(Programs, AgreeWithPyTorch) {
  const nlohmann::json all = programs();
  EXPECT_EQ(all.size(), 2000U);
  int failures = 0;
  for (std::size_t i = 0; i < all.size() && failures < 5; ++i) {
    std::string wrong = "it threw";
    EXPECT_NO_THROW(wrong = failure(all[i])) << "program " << i << ":\n" << listing(all[i]);
    if (wrong.empty()) continue;
    ++failures;
    ADD_FAILURE() << "program " << i << ":\n" << listing(all[i]) << wrong;
  }
}

}  // namespace
}  // namespace mica
