"""Layers of tests/nn/lazy_test.cpp, after their first call: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F64, layer

SHAPES = {1: (2, 3, 5), 2: (2, 3, 4, 3), 3: (2, 3, 2, 3, 3)}


def called(module, shape):
    module(torch.ones(shape, dtype=F64))
    return module


def layers():
    d = {"dtype": F64}
    yield layer("LazyLinear", lambda: called(nn.LazyLinear(2, **d), (1, 3)), (2, 3), kind="LazyLinear")
    for n, shape in SHAPES.items():
        norm = {"affine": True, "track_running_stats": True, **d}
        kinds = {"LazyConv": lambda make: make(2, 2, stride=2, padding=1, **d),
                 "LazyConvTranspose": lambda make: make(2, 2, stride=2, bias=False, **d),
                 "LazyBatchNorm": lambda make: make(**norm), "LazyInstanceNorm": lambda make: make(**norm)}
        for kind, make in kinds.items():
            name = f"{kind}{n}d"
            yield layer(name, lambda: called(make(getattr(nn, name)), shape), shape, kind=name)
