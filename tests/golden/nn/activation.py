"""Layers of tests/nn/activation_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import layer


def layers():
    for kind in (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU):
        yield layer(kind.__name__, kind, (3, 5), scale=3.0)
    yield layer("GELU tanh", lambda: nn.GELU(approximate="tanh"), (3, 5), scale=3.0)
