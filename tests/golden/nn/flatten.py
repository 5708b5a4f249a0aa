"""Layers of tests/nn/flatten_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import layer


def layers():
    yield layer("flatten", nn.Flatten, (2, 3, 2))
    yield layer("flatten some", lambda: nn.Flatten(0, 1), (2, 3, 2))
    yield layer("unflatten", lambda: nn.Unflatten(1, (2, 3)), (2, 6, 2))
    yield layer("unflatten the last", lambda: nn.Unflatten(-1, (-1, 2)), (3, 4))


def prints():
    return {"unflatten": nn.Unflatten(1, (2, 3)), "unflatten to one": nn.Unflatten(-1, (-1,))}
