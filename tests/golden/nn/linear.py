"""Layers of tests/nn/linear_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    yield layer("linear", lambda: nn.Linear(5, 3), (4, 5), dtype=F32)
    yield layer("linear f64", lambda: nn.Linear(4, 2, **d), (2, 3, 4))
    yield layer("linear without bias", lambda: nn.Linear(5, 3, bias=False, **d), (4, 5))
    yield layer("linear of a vector", lambda: nn.Linear(5, 3, **d), (5,))
