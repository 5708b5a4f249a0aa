"""Layers of tests/nn/sequential_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, layer


def layers():
    yield layer("sequential",
                lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 2))),
                (3, 4), dtype=F32)
