"""Layers of tests/nn/shuffle_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import layer


class ChannelShuffle(nn.Module):
    """nn.ChannelShuffle, whose gradient 1.13 has not got: by its definition."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


def layers():
    assert ChannelShuffle(2)(torch.arange(24).view(1, 4, 6)).equal(nn.ChannelShuffle(2)(torch.arange(24).view(1, 4, 6)))
    yield layer("ChannelShuffle", lambda: ChannelShuffle(2), (2, 6, 2, 1))
    yield layer("ChannelShuffle of sequences", lambda: ChannelShuffle(3), (1, 6, 2))
    yield layer("PixelShuffle", lambda: nn.PixelShuffle(2), (2, 4, 2, 3))
    yield layer("PixelUnshuffle", lambda: nn.PixelUnshuffle(2), (2, 1, 4, 2))


def prints():
    return {"ChannelShuffle": nn.ChannelShuffle(2), "PixelShuffle": nn.PixelShuffle(3), "PixelUnshuffle": nn.PixelUnshuffle(4)}
