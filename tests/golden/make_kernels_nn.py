#!/usr/bin/env python3
"""Writes kernels_nn.json: cross entropy and pooling as PyTorch computes them, in double.

Run it in this directory with a Python that has torch.
"""

import itertools
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)


def listed(t):
    return [float(f"{v:.17g}") for v in t.detach().flatten().tolist()]


def cross_entropy_cases():
    for shape, weighted, smoothing, reduction in itertools.product(
        [(5, 7), (2, 4, 3)], [False, True], [0.0, 0.2], ["none", "mean"]
    ):
        logits = torch.randn(shape, dtype=torch.double).mul(3).requires_grad_()
        target = torch.randint(shape[1], (shape[0], *shape[2:]))
        target.view(-1)[1] = -100
        weight = torch.rand(shape[1], dtype=torch.double) if weighted else None
        loss = F.cross_entropy(logits, target, weight, reduction=reduction, label_smoothing=smoothing)
        grad = torch.randn_like(loss)
        loss.backward(grad)
        yield {
            "outer": shape[0],
            "classes": shape[1],
            "inner": shape[2] if len(shape) > 2 else 1,
            "weight": listed(weight) if weighted else [],
            "smoothing": smoothing,
            "reduction": reduction,
            "logits": listed(logits),
            "target": target.flatten().tolist(),
            "loss": listed(loss),
            "grad": listed(grad),
            "grad_logits": listed(logits.grad),
        }


def pool_case(x, kind, call, kernel, stride, padding, dilation, **fields):
    x = x.clone().requires_grad_()
    y = call(x)
    indices = []
    if kind == "max":
        y, indices = y
        indices = indices.flatten().tolist()
    grad = torch.randint(-9, 10, y.shape).double()
    y.backward(grad)
    return {
        "kind": kind,
        "x_shape": list(x.shape),
        "y_shape": list(y.shape),
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "x": listed(x),
        "y": listed(y),
        "indices": indices,
        "grad": listed(grad),
        "grad_x": listed(x.grad),
        **fields,
    }


def pool_cases():
    # Small integers: many ties, and exact sums.
    x = torch.randint(-5, 6, (1, 2, 7, 6)).double()
    with_nan = x.clone()
    with_nan[0, 0, 2, 3] = with_nan[0, 1, 4, 0] = with_nan[0, 1, 4, 1] = float("nan")
    low = torch.full_like(x, -float("inf"))
    for kernel, stride, padding, dilation, ceil_mode in [
        ((2, 2), (2, 2), (0, 0), (1, 1), False),
        ((3, 2), (2, 1), (1, 0), (1, 1), False),
        ((3, 3), (2, 2), (1, 1), (1, 1), True),
        ((2, 3), (1, 2), (1, 1), (2, 1), False),
        ((2, 2), (3, 3), (1, 1), (3, 2), True),
    ]:
        for data in [x, with_nan, low]:
            yield pool_case(
                data,
                "max",
                lambda t: F.max_pool2d(t, kernel, stride, padding, dilation, ceil_mode, return_indices=True),
                kernel,
                stride,
                padding,
                dilation,
            )
    for kernel, stride, padding, ceil_mode in [
        ((2, 2), (2, 2), (0, 0), False),
        ((3, 3), (2, 2), (1, 1), True),
        ((3, 2), (1, 2), (1, 1), True),
        ((2, 3), (3, 1), (1, 0), False),
    ]:
        for count_include_pad, divisor in [(True, None), (False, None), (True, 5), (False, 5)]:
            yield pool_case(
                x,
                "avg",
                lambda t: F.avg_pool2d(t, kernel, stride, padding, ceil_mode, count_include_pad, divisor),
                kernel,
                stride,
                padding,
                (1, 1),
                count_include_pad=count_include_pad,
                divisor=divisor or 0,
            )


def dumped(value):
    """JSON without NaN and infinities: they become strings."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    if isinstance(value, dict):
        return {k: dumped(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [dumped(v) for v in value]
    return value


with open("kernels_nn.json", "w") as out:
    golden = {"cross_entropy": list(cross_entropy_cases()), "pool": list(pool_cases())}
    lists = [f'"{k}": [\n{",".join(json.dumps(dumped(c), separators=(",", ":")) + chr(10) for c in v)}]' for k, v in golden.items()]
    out.write("{" + ",\n".join(lists) + "}\n")
