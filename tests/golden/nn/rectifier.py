"""Layers of tests/nn/rectifier_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer

VARIANTS = {
    "Threshold": lambda: nn.Threshold(0.1, 20.0), "Hardtanh": nn.Hardtanh, "Hardtanh of all options": lambda: nn.Hardtanh(-2.0, 0.5),
    "ReLU6": nn.ReLU6, "ELU": nn.ELU, "ELU 0.5": lambda: nn.ELU(0.5), "SELU": nn.SELU, "CELU": nn.CELU, "CELU 0.5": lambda: nn.CELU(0.5),
    "LeakyReLU": nn.LeakyReLU, "LeakyReLU 0.2": lambda: nn.LeakyReLU(0.2), "Hardshrink": nn.Hardshrink,
    "Hardshrink 1.5": lambda: nn.Hardshrink(1.5), "Softshrink": nn.Softshrink, "Softshrink 1.5": lambda: nn.Softshrink(1.5),
    "RReLU": nn.RReLU, "RReLU of all options": lambda: nn.RReLU(0.0, 0.5),
    "PReLU": lambda: nn.PReLU(dtype=F64), "PReLU of channels": lambda: nn.PReLU(6, init=0.1, dtype=F64),
}


def layers():
    for name, make in VARIANTS.items():
        yield layer(name, make, (4, 6), steps=2 if name == "RReLU" else 1, scale=5.0)
    yield layer("PReLU of planes", lambda: nn.PReLU(2), (2, 2, 3, 2), dtype=F32)


def prints():
    return {name: make() for name, make in VARIANTS.items()}
