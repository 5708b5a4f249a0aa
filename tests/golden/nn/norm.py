"""Layers of tests/nn/norm_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    norm = {"steps": 3, "scale": 2.0}
    yield layer("batch norm of vectors", lambda: nn.BatchNorm1d(3, **d), (4, 3), **norm)
    yield layer("batch norm of sequences", lambda: nn.BatchNorm1d(3, momentum=0.3, eps=0.01, **d), (2, 3, 4), **norm)
    yield layer("batch norm of planes", lambda: nn.BatchNorm2d(2, **d), (3, 2, 2, 3), **norm)
    yield layer("batch norm in f32", lambda: nn.BatchNorm2d(2), (3, 2, 2, 3), dtype=F32, **norm)
    yield layer("batch norm of volumes", lambda: nn.BatchNorm3d(2, **d), (2, 2, 2, 1, 2), **norm)
    yield layer("batch norm averaging", lambda: nn.BatchNorm1d(3, momentum=None, **d), (4, 3), **norm)
    yield layer("batch norm not affine", lambda: nn.BatchNorm2d(2, affine=False, **d), (3, 2, 2, 2), **norm)
    yield layer("batch norm not tracking", lambda: nn.BatchNorm1d(3, track_running_stats=False, **d), (4, 3), **norm)

    yield layer("layer norm", lambda: nn.LayerNorm(6), (2, 2, 6), dtype=F32)
    yield layer("layer norm of planes", lambda: nn.LayerNorm((2, 3), eps=0.1, **d), (3, 2, 3))
    yield layer("layer norm not affine", lambda: nn.LayerNorm(6, elementwise_affine=False, **d), (3, 6))
