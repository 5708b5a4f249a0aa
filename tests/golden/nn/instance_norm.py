"""Layers of tests/nn/instance_norm_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    norm = {"steps": 2, "scale": 2.0}
    shapes = {1: (2, 3, 4), 2: (2, 3, 2, 2), 3: (2, 3, 2, 1, 2)}
    for n, kind in ((1, nn.InstanceNorm1d), (2, nn.InstanceNorm2d), (3, nn.InstanceNorm3d)):
        yield layer(f"instance norm {n}", lambda: kind(3, **d), shapes[n], **norm)
        yield layer(f"instance norm {n} affine and tracking",
                    lambda: kind(3, eps=0.01, momentum=0.3, affine=True, track_running_stats=True, **d), shapes[n], **norm)
        yield layer(f"instance norm {n} without batch", lambda: kind(3, affine=True, track_running_stats=True, **d), shapes[n][1:], **norm)
    yield layer("instance norm in f32", lambda: nn.InstanceNorm2d(3, affine=True), (2, 3, 2, 3), dtype=F32)


def prints():
    return {
        "1d": nn.InstanceNorm1d(3),
        "2d": nn.InstanceNorm2d(3, eps=0.1, momentum=None, affine=True, track_running_stats=True),
        "3d": nn.InstanceNorm3d(3, affine=True),
        "batch norm 3d": nn.BatchNorm3d(3),
    }
