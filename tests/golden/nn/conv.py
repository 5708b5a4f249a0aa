"""Layers of tests/nn/conv_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer


def layers():
    d = {"dtype": F64}
    yield layer("conv", lambda: nn.Conv2d(2, 3, 3), (2, 2, 5, 4), dtype=F32)
    yield layer("conv of all options",
                lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, **d),
                (2, 2, 5, 4))
    yield layer("conv without bias", lambda: nn.Conv2d(3, 2, 2, stride=2, bias=False, **d), (1, 3, 5, 5))
    yield layer("conv without batch", lambda: nn.Conv2d(2, 3, 3, padding=1, **d), (2, 4, 3))
