#include <cmath>

#include <fmt/format.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/autograd/gradcheck.h>
#include <mica/core/error.h>
#include <mica/core/random.h>

namespace mica::autograd {

namespace {

using Fn = FunctionRef<Tensor(std::span<const Tensor>)>;

std::vector<double> numbers(const Tensor& x) { return x.detach().to_vector<double>(); }

// The memory of element `index` (in row-major order) of a tensor with any strides.
double& element(const Tensor& x, std::int64_t index) {
  std::int64_t offset = 0;
  for (int i = x.sizes().size() - 1; i >= 0; --i) {
    offset += index % x.sizes()[i] * x.strides()[i];
    index /= x.sizes()[i];
  }
  return static_cast<double*>(x.raw_data())[offset];
}

// d output / d element, by central difference.
std::vector<double> numerical_column(Fn fn, std::span<const Tensor> inputs, const Tensor& x, std::int64_t i,
                                     double eps) {
  const NoGrad no_grad;
  double& value = element(x, i);
  const double original = value;
  value = original + eps;
  std::vector<double> column = numbers(fn(inputs));
  value = original - eps;
  const std::vector<double> below = numbers(fn(inputs));
  value = original;
  for (std::size_t k = 0; k < column.size(); ++k) column[k] = (column[k] - below[k]) / (2 * eps);
  return column;
}

}  // namespace

std::string gradcheck(Fn fn, std::span<const Tensor> inputs, const GradcheckOptions& options) {
  std::vector<Tensor> wanted;
  for (const Tensor& x : inputs) {
    if (!x.defined() || !x.requires_grad()) continue;
    if (x.dtype() != f64)
      throw Error("gradcheck", fmt::format("an input is {}", name(x.dtype())), "finite differences need f64");
    wanted.push_back(x);
  }
  if (wanted.empty()) throw Error("gradcheck", "no input requires a gradient");
  const Tensor output = fn(inputs);
  if (!output.requires_grad()) return "the output depends on no input that requires a gradient";

  // Row k of the Jacobian is the gradient of output k.
  std::vector<std::vector<std::vector<double>>> rows(wanted.size());
  for (std::int64_t k = 0; k < output.numel(); ++k) {
    Tensor direction = empty(output.sizes(), output.dtype()).fill_(0);
    element(direction, k) = 1;
    const auto grads =
        grad({&output, 1}, wanted, {&direction, 1}, {.retain_graph = true, .allow_unused = true});
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      rows[w].push_back(grads[w].defined()
                            ? numbers(grads[w])
                            : std::vector<double>(static_cast<std::size_t>(wanted[w].numel())));
    }
  }
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    for (std::int64_t i = 0; i < wanted[w].numel(); ++i) {
      const auto column = numerical_column(fn, inputs, wanted[w], i, options.eps);
      for (std::size_t k = 0; k < column.size(); ++k) {
        const double analytical = rows[w][k][static_cast<std::size_t>(i)];
        if (std::abs(column[k] - analytical) <= options.atol + options.rtol * std::abs(column[k])) continue;
        return fmt::format("d output[{}] / d input {} [{}]: {} by finite difference, {} by backward", k, w, i,
                           column[k], analytical);
      }
    }
  }
  return {};
}

std::string gradgradcheck(Fn fn, std::span<const Tensor> inputs, const GradcheckOptions& options) {
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && inputs[i].requires_grad()) wanted.push_back(i);
  }
  // The gradient as a function of the inputs and of the direction it is taken in.
  const Tensor sample = fn(inputs);
  Generator generator(7);
  Tensor direction = empty(sample.sizes(), f64);
  fill_normal(direction.data<double>(), 0, 1, generator);
  direction.requires_grad_();
  std::vector<Tensor> extended(inputs.begin(), inputs.end());
  extended.push_back(direction);

  for (const std::size_t w : wanted) {
    // An input that the output does not depend on has no gradient to differentiate.
    if (!grad({&sample, 1}, {&inputs[w], 1}, {&direction, 1}, {.retain_graph = true, .allow_unused = true})[0]
             .defined())
      continue;
    const auto gradient = [&](std::span<const Tensor> all) {
      const EnableGrad enable;  // finite differences run under NoGrad
      const Tensor output = fn(all.first(inputs.size()));
      const auto grads =
          grad({&output, 1}, {&all[w], 1}, {&all.back(), 1}, {.create_graph = true, .allow_unused = true});
      return grads[0].defined() ? grads[0] : empty(all[w].sizes(), f64).fill_(0);
    };
    const std::string problem = gradcheck(gradient, extended, options);
    if (!problem.empty()) return fmt::format("gradient of input {}: {}", w, problem);
  }
  return {};
}

namespace {

// Checks the results of fn one after the other.
std::string each_result(FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> fn,
                        std::span<const Tensor> inputs, auto check) {
  const std::size_t count = fn(inputs).size();
  for (std::size_t k = 0; k < count; ++k) {
    const std::string problem = check([&](std::span<const Tensor> in) { return fn(in)[k]; });
    if (!problem.empty()) return fmt::format("result {}: {}", k, problem);
  }
  return {};
}

}  // namespace

std::string gradcheck(FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> fn,
                      std::span<const Tensor> inputs, const GradcheckOptions& options) {
  return each_result(fn, inputs, [&](Fn one) { return gradcheck(one, inputs, options); });
}

std::string gradgradcheck(FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> fn,
                          std::span<const Tensor> inputs, const GradcheckOptions& options) {
  return each_result(fn, inputs, [&](Fn one) { return gradgradcheck(one, inputs, options); });
}

}  // namespace mica::autograd
