"""Layers of tests/nn/distance_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, layer


def pair(*shapes):
    return lambda generator, dtype: [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]


def layers():
    yield layer("pairwise", nn.PairwiseDistance, pair((3, 4), (3, 4)))
    yield layer("pairwise of all options", lambda: nn.PairwiseDistance(3.0, 0.1, True), pair((4,), (3, 4)))
    yield layer("cosine", nn.CosineSimilarity, pair((3, 4), (3, 4)), dtype=F32)
    yield layer("cosine of all options", lambda: nn.CosineSimilarity(0, 1e-3), pair((3, 4, 2), (3, 1, 2)))


def prints():
    return {"pairwise": nn.PairwiseDistance(3.0), "cosine": nn.CosineSimilarity(0)}
