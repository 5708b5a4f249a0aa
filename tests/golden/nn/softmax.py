"""Layers of tests/nn/softmax_test.cpp: see ../layer_cases.py."""

import warnings

from torch import nn

from layer_cases import layer

warnings.simplefilter("ignore")  # that dim was left out


def layers():
    for kind in (nn.Softmax, nn.LogSoftmax, nn.Softmin):
        name = kind.__name__
        yield layer(name, lambda: kind(dim=0), (3, 4))
        yield layer(name + " last", lambda: kind(-1), (2, 3, 2))
        for shape in ((5,), (3, 4), (2, 3, 2), (2, 3, 2, 2)):
            yield layer(f"{name} of {len(shape)} without dim", kind, shape)
    yield layer("Softmax2d", nn.Softmax2d, (2, 3, 2, 2))
    yield layer("Softmax2d without batch", nn.Softmax2d, (3, 2, 2))


def prints():
    return {"Softmax": nn.Softmax(dim=1), "Softmax without dim": nn.Softmax(), "LogSoftmax": nn.LogSoftmax(-1),
            "Softmin": nn.Softmin(0), "Softmax2d": nn.Softmax2d()}
