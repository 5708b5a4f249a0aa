"""Cases of the operations in tests/ops/activation_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, NAN, case, integers, randn, sweep


def cases():
    ops = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu,
           "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}
    for name, fn in ops.items():
        yield case(name, fn, [randn(3, 4) * 2])
        yield case(name, fn, [randn(9, dtype=F32)])
        yield case(name, fn, [torch.tensor([0.0, -0.0, 20.0, -20.0, NAN], dtype=F64)])
        yield case(name, fn, [randn()])
        yield from sweep(name, fn, [integers(-5, 5, 6)])
    for args in ({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}, {"beta": -1.5}):
        yield case("softplus", lambda x: F.softplus(x, **args), [randn(3, 4) * 3], args)
        yield case("softplus", lambda x: F.softplus(x, **args), [torch.tensor([0.0, 19.9, 20.1, -800.0, 800.0, NAN], dtype=F64)],
                   args, grad=False)
    yield case("softplus", F.softplus, [randn(7, dtype=F32) * 10])
    yield from sweep("softplus", F.softplus, [integers(-5, 5, 6)])
