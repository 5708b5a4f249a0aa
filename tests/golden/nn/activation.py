"""Layers of tests/nn/activation_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer

VARIANTS = {
    "ReLU": nn.ReLU, "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh, "GELU": nn.GELU, "GELU tanh": lambda: nn.GELU(approximate="tanh"),
    "Softplus": lambda: nn.Softplus(1.0, 20.0), "Softplus of all options": lambda: nn.Softplus(beta=2.0, threshold=1.5),
    "SiLU": nn.SiLU, "Mish": nn.Mish, "Hardsigmoid": nn.Hardsigmoid, "Hardswish": nn.Hardswish, "LogSigmoid": nn.LogSigmoid,
    "Softsign": nn.Softsign, "Tanhshrink": nn.Tanhshrink, "GLU": lambda: nn.GLU(0), "GLU last": nn.GLU,
}


def layers():
    for name, make in VARIANTS.items():
        yield layer(name, make, (4, 6), scale=3.0, dtype=F32 if name in ("SiLU", "Hardsigmoid") else F64)


def prints():
    return {name: make() for name, make in VARIANTS.items()}
