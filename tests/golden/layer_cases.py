"""What the families in nn/ share: how a layer is tried, and how its values are stored.

A layer is made under a seed (its state is what initialisation drew), trained for some steps with given inputs, and used
once in evaluation. A step gives the outputs, and the gradients of sum(output * weight) for the inputs and every parameter.
"""

import torch

F32, F64 = torch.float32, torch.float64


def dump(tensor):
    """{shape, values}, "kind" if not floating; nine digits tell all f32 apart, seventeen all f64. None stays None."""
    if tensor is None:
        return None
    stored = {"shape": list(tensor.shape)}
    values = tensor.detach().reshape(-1).tolist()
    if tensor.is_floating_point():
        digits = 9 if tensor.dtype == F32 else 17
        values = [float(f"{v:.{digits}g}") for v in values]
    else:
        stored["kind"] = "bool" if tensor.dtype == torch.bool else "int"
        values = [int(v) for v in values]
    return {**stored, "values": values}


def dump_state(named):
    return {name: dump(tensor) for name, tensor in named}


def flat(results):
    """All tensors of nested tuples, in order."""
    if isinstance(results, (tuple, list)):
        return [tensor for part in results for tensor in flat(part)]
    return [] if results is None else [results]


def layer(name, make, inputs, steps=1, dtype=F64, draw=torch.randn, scale=1.0, call=None, kind=None):
    """One case. `inputs` is the shape of the one input, or a function of (generator, dtype) that gives a list of inputs
    (None for one that is absent; integers and booleans get no gradient). Integers of one shape come from `draw`.
    `call(module, inputs)` if it is not module(*inputs); its results may be nested tuples. `kind` is the layer of Mica that the
    case is for, if it is not named like the class of `module`."""
    torch.manual_seed(7)
    module = make()
    case = {"name": name, "kind": kind or type(module).__name__, "dtype": str(dtype).split(".")[1],
            "names": list(module.state_dict()), "initial": dump_state(module.state_dict().items())}
    generator = torch.Generator().manual_seed(11)
    call = call or (lambda module, inputs: module(*inputs))

    def new_inputs():
        if callable(inputs):
            return inputs(generator, dtype)
        if draw is torch.randn:
            return [draw(inputs, generator=generator, dtype=dtype) * scale]
        return [draw(inputs, generator)]

    torch.manual_seed(5)
    case["steps"] = []
    for _ in range(steps):
        xs = new_inputs()
        step = {"inputs": [dump(x) for x in xs]}
        for x in xs:
            if x is not None and x.is_floating_point():
                x.requires_grad_()
        ys = flat(call(module, xs))
        weights = [torch.randn(y.shape, generator=generator, dtype=dtype) for y in ys]
        step |= {"weights": [dump(w) for w in weights], "outputs": [dump(y) for y in ys]}
        module.zero_grad()
        tracked = [(y * w).sum() for y, w in zip(ys, weights) if y.requires_grad]
        if tracked:
            sum(tracked).backward()
        step["grad_inputs"] = [None if x is None else dump(x.grad) for x in xs]
        step["grads"] = dump_state((n, p.grad) for n, p in module.named_parameters())
        case["steps"].append(step)
    case["buffers"] = dump_state(module.named_buffers())
    module.eval()
    xs = new_inputs()
    with torch.no_grad():
        case["eval"] = {"inputs": [dump(x) for x in xs], "outputs": [dump(y) for y in flat(call(module, xs))]}
    return case
