#include <fmt/format.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/functional.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>

namespace mica::autograd {

namespace {

using Tensors = std::vector<Tensor>;

// The inputs as tensors to differentiate by: with create_graph their history goes on.
Tensors arguments(const char* operation, std::span<const Tensor> inputs, bool create_graph) {
  Tensors out;
  for (const Tensor& x : inputs) {
    if (!x.defined() || !x.is_floating_point()) {
      throw Error(operation,
                  fmt::format("input {} is {}", out.size(), x.defined() ? name(x.dtype()) : "undefined"),
                  "derivatives are by floating-point tensors; let the function capture the others");
    }
    if (create_graph && x.requires_grad()) {
      out.push_back(record("argument", x.detach(), {&x}, [](const Node&, const Tensor& g) { return g; }));
    } else {
      out.push_back(x.detach());
      out.back().requires_grad_();
    }
  }
  return out;
}

Tensors call(const char* operation, TensorsFunction fn, std::span<const Tensor> inputs, bool strict) {
  Tensors outputs = fn(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !outputs[i].is_floating_point()) {
      throw Error(
          operation,
          fmt::format("output {} is {}", i, outputs[i].defined() ? name(outputs[i].dtype()) : "undefined"),
          "derivatives are of floating-point tensors");
    }
    if (strict && !outputs[i].requires_grad()) {
      throw Error(operation, fmt::format("output {} depends on no input", i),
                  "without strict, its derivatives are zero");
    }
  }
  return outputs;
}

Tensor zeros_for(const Tensor& x) { return empty(x.sizes(), x.dtype()).fill_(0); }

// A direction for each tensor, ones where they may be left out.
Tensors directions(const char* operation, const char* what, std::span<const Tensor> of,
                   std::span<const Tensor> v) {
  if (!v.empty() && v.size() != of.size())
    throw Error(operation, fmt::format("{} directions for {} {}s", v.size(), of.size(), what));
  Tensors out;
  for (std::size_t i = 0; i < of.size(); ++i) {
    const Tensor given = v.empty() ? Tensor() : v[i];
    if (given.defined() ? given.sizes() != of[i].sizes() : of[i].numel() != 1) {
      throw Error(
          operation,
          fmt::format("{} {} has shape {}, its direction {}", what, i, to_string(of[i].sizes()),
                      given.defined() ? fmt::format("has {}", to_string(given.sizes())) : "was left out"),
          "a direction has the shape of its tensor; only for one element it may be left out");
    }
    out.push_back(given.defined() ? given : zeros_for(of[i]).fill_(1));
  }
  return out;
}

// The gradients of outputs * v, zero where there is none.
Tensors gradients(const char* operation, std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                  std::span<const Tensor> v, bool create_graph, bool strict) {
  Tensors differentiable, weights;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) continue;
    differentiable.push_back(outputs[i]);
    weights.push_back(v[i]);
  }
  Tensors grads(inputs.size());
  if (!differentiable.empty()) {
    grads = grad(differentiable, inputs, weights,
                 {.retain_graph = true, .create_graph = create_graph, .allow_unused = true});
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (grads[i].defined()) continue;
    if (strict) {
      throw Error(operation, fmt::format("the outputs do not depend on input {}", i),
                  "without strict, its derivatives are zero");
    }
    grads[i] = zeros_for(inputs[i]);
  }
  return grads;
}

Tensors finished(Tensors values, bool create_graph) {
  if (!create_graph) {
    for (Tensor& x : values) x = x.detach();
  }
  return values;
}

// Rows of equal shape, one after the other, seen with the sizes (output..., input...).
Tensor stack_rows(const Tensors& rows, const Tensor& output, const Tensor& input) {
  Shape sizes = output.sizes();
  if (sizes.size() + input.sizes().size() > max_dims) {
    throw Error("jacobian",
                fmt::format("output {} by input {} has more than {} dimensions", to_string(output.sizes()),
                            to_string(input.sizes()), max_dims),
                "flatten() the input and view() it inside of the function");
  }
  for (const std::int64_t n : input.sizes()) sizes.push_back(n);
  Tensor out = empty(sizes, input.dtype());
  {
    const NoGrad unrecorded;
    const Tensor flat = out.view({output.numel(), input.numel()});
    for (std::size_t i = 0; i < rows.size(); ++i)
      flat.select(0, static_cast<std::int64_t>(i)).copy_(rows[i].reshape({input.numel()}));
  }
  if (!recording(rows)) return out;
  return record_list("jacobian", out, rows,
                     [count = rows.size(), flat = Shape{output.numel(), input.numel()}, row = input.sizes()](
                         const Node&, const Tensor& grad) {
                       const Tensor by_row = grad.reshape(flat);
                       Tensors out;
                       for (std::size_t i = 0; i < count; ++i)
                         out.push_back(by_row.select(0, static_cast<std::int64_t>(i)).reshape(row));
                       return out;
                     });
}

std::vector<Tensors> jacobian_of(const char* operation, TensorsFunction fn, std::span<const Tensor> inputs,
                                 const FunctionalOptions& options) {
  const EnableGrad enable;
  const Tensors x = arguments(operation, inputs, options.create_graph);
  const Tensors outputs = call(operation, fn, x, options.strict);
  std::vector<Tensors> out;
  for (const Tensor& y : outputs) {
    std::vector<Tensors> rows(x.size());
    for (std::int64_t k = 0; k < y.numel(); ++k) {
      const Tensor direction = empty(y.sizes(), y.dtype()).fill_(0);
      direction.view({y.numel()}).select(0, k).fill_(1);
      Tensors grads = gradients(operation, {&y, 1}, x, {&direction, 1}, options.create_graph, options.strict);
      for (std::size_t i = 0; i < x.size(); ++i) rows[i].push_back(std::move(grads[i]));
    }
    Tensors& blocks = out.emplace_back();
    for (std::size_t i = 0; i < x.size(); ++i) blocks.push_back(stack_rows(rows[i], y, x[i]));
    blocks = finished(std::move(blocks), options.create_graph);
  }
  return out;
}

// What a function of one tensor is as one of several.
auto several(TensorFunction fn) {
  return [fn](std::span<const Tensor> in) { return Tensors{fn(in[0])}; };
}
std::span<const Tensor> as_list(const Tensor& x) { return {&x, x.defined() ? std::size_t{1} : 0}; }

}  // namespace

std::vector<Tensors> jacobian(TensorsFunction fn, std::span<const Tensor> inputs,
                              const FunctionalOptions& options) {
  return jacobian_of("jacobian", fn, inputs, options);
}

Tensor jacobian(TensorFunction fn, const Tensor& x, const FunctionalOptions& options) {
  return jacobian(several(fn), {&x, 1}, options)[0][0];
}

std::vector<Tensors> hessian(ScalarFunction fn, std::span<const Tensor> inputs,
                             const FunctionalOptions& options) {
  const auto gradient = [&](std::span<const Tensor> x) {
    const auto scalar = [&](std::span<const Tensor> in) { return Tensors{fn(in)}; };
    const Tensors y = call("hessian", scalar, x, options.strict);
    if (y[0].numel() != 1) {
      throw Error("hessian", fmt::format("the function's result has shape {}", to_string(y[0].sizes())),
                  "second derivatives are of one number; take the jacobian() of a gradient for more");
    }
    const Tensor one = zeros_for(y[0]).fill_(1);
    return gradients("hessian", y, x, {&one, 1}, true, options.strict);
  };
  return jacobian_of("hessian", gradient, inputs, options);
}

Tensor hessian(TensorFunction fn, const Tensor& x, const FunctionalOptions& options) {
  return hessian([fn](std::span<const Tensor> in) { return fn(in[0]); }, {&x, 1}, options)[0][0];
}

std::pair<Tensors, Tensors> vjp(TensorsFunction fn, std::span<const Tensor> inputs, std::span<const Tensor> v,
                                const FunctionalOptions& options) {
  const EnableGrad enable;
  const Tensors x = arguments("vjp", inputs, options.create_graph);
  Tensors outputs = call("vjp", fn, x, options.strict);
  Tensors grads = gradients("vjp", outputs, x, directions("vjp", "output", outputs, v), options.create_graph,
                            options.strict);
  return {finished(std::move(outputs), options.create_graph),
          finished(std::move(grads), options.create_graph)};
}

std::pair<Tensor, Tensor> vjp(TensorFunction fn, const Tensor& x, const Tensor& v,
                              const FunctionalOptions& options) {
  auto [outputs, grads] = vjp(several(fn), {&x, 1}, as_list(v), options);
  return {outputs[0], grads[0]};
}

std::pair<Tensors, Tensors> jvp(TensorsFunction fn, std::span<const Tensor> inputs, std::span<const Tensor> v,
                                const FunctionalOptions& options) {
  const EnableGrad enable;
  const Tensors x = arguments("jvp", inputs, options.create_graph);
  const Tensors along = directions("jvp", "input", x, v);
  Tensors outputs = call("jvp", fn, x, options.strict);
  // The gradients are a linear function of what they are seeded with; its transpose is the slope along v.
  Tensors seeds;
  for (const Tensor& y : outputs) {
    seeds.push_back(zeros_for(y));
    seeds.back().requires_grad_();
  }
  const Tensors grads = gradients("jvp", outputs, x, seeds, true, options.strict);
  Tensors slopes = gradients("jvp", grads, seeds, along, options.create_graph, false);
  return {finished(std::move(outputs), options.create_graph),
          finished(std::move(slopes), options.create_graph)};
}

std::pair<Tensor, Tensor> jvp(TensorFunction fn, const Tensor& x, const Tensor& v,
                              const FunctionalOptions& options) {
  auto [outputs, slopes] = jvp(several(fn), {&x, 1}, as_list(v), options);
  return {outputs[0], slopes[0]};
}

}  // namespace mica::autograd
