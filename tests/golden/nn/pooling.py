"""Layers of tests/nn/pooling_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import layer


def layers():
    plane = (1, 2, 5, 6)
    yield layer("max pool", lambda: nn.MaxPool2d(2), plane)
    yield layer("max pool of all options",
                lambda: nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=True), plane)
    yield layer("avg pool", lambda: nn.AvgPool2d(2), plane)
    yield layer("avg pool of all options",
                lambda: nn.AvgPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True, count_include_pad=False), plane)
    yield layer("avg pool with divisor", lambda: nn.AvgPool2d(2, stride=1, divisor_override=3), (2, 4, 3))
