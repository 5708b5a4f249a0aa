"""Layers of tests/nn/linear_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    yield layer("linear", lambda: nn.Linear(5, 3), (4, 5), dtype=F32)
    yield layer("linear f64", lambda: nn.Linear(4, 2, **d), (2, 3, 4))
    yield layer("linear without bias", lambda: nn.Linear(5, 3, bias=False, **d), (4, 5))
    yield layer("linear of a vector", lambda: nn.Linear(5, 3, **d), (5,))

    def two(*shapes):
        return lambda generator, dtype: [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
    yield layer("bilinear", lambda: nn.Bilinear(3, 2, 4), two((5, 3), (5, 2)), dtype=F32)
    yield layer("bilinear f64", lambda: nn.Bilinear(3, 2, 4, **d), two((2, 5, 3), (2, 5, 2)))
    yield layer("bilinear without bias", lambda: nn.Bilinear(2, 3, 1, bias=False, **d), two((4, 2), (4, 3)))
    yield layer("identity", lambda: nn.Identity(54, unused=0.1), (2, 3))


def prints():
    return {"bilinear": nn.Bilinear(3, 2, 4), "bilinear without bias": nn.Bilinear(3, 2, 4, bias=False)}
