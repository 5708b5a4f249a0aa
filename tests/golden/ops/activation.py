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
