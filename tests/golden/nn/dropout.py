"""Layers of tests/nn/dropout_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, layer


def layers():
    for p in (0.0, 0.1, 0.5, 1.0):
        yield layer(f"dropout {p}", lambda p=p: nn.Dropout(p), (4, 6), steps=2, dtype=F32)
