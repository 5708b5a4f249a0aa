"""Layers of tests/nn/embedding_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    def numbers(shape, generator):
        return torch.randint(0, 6, shape, generator=generator)

    yield layer("embedding", lambda: nn.Embedding(6, 3, **d), (2, 4), draw=numbers)
    yield layer("embedding with padding", lambda: nn.Embedding(6, 4, padding_idx=-2), (9,), draw=numbers, dtype=F32)
