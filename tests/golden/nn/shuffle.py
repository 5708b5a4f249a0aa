"""Layers of tests/nn/shuffle_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import layer


def layers():
    yield layer("PixelShuffle", lambda: nn.PixelShuffle(2), (2, 4, 2, 3))
    yield layer("PixelUnshuffle", lambda: nn.PixelUnshuffle(2), (2, 1, 4, 2))


def prints():
    return {"ChannelShuffle": nn.ChannelShuffle(2), "PixelShuffle": nn.PixelShuffle(3), "PixelUnshuffle": nn.PixelUnshuffle(4)}
