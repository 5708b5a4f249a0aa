"""Layers of tests/nn/padding_test.cpp: see ../layer_cases.py."""

import torch.nn.functional as F
from torch import nn

from layer_cases import layer


class CircularPad(nn.Module):
    """nn.CircularPad1d... came with PyTorch 2.1: the padding of the last dimensions in mode circular."""

    def __init__(self, padding):
        super().__init__()
        self.padding = padding

    def forward(self, x):
        return F.pad(x, self.padding, mode="circular")


SIDES = {1: (2, 1), 2: (1, 2, 0, 1), 3: (1, 0, 1, 1, 0, 1)}
CUT = {1: (-1, 2), 2: (-1, 1, 2, -2), 3: (1, -1, 0, 1, -1, 0)}
SHAPE = {1: (2, 4), 2: (1, 3, 4), 3: (1, 2, 3, 3)}


def layers():
    for n in (1, 2, 3):
        batch = (2, *SHAPE[n])
        kinds = {f"ConstantPad{n}d": lambda p: getattr(nn, f"ConstantPad{n}d")(p, 1.5),
                 f"ReflectionPad{n}d": getattr(nn, f"ReflectionPad{n}d"),
                 f"ReplicationPad{n}d": getattr(nn, f"ReplicationPad{n}d"),
                 f"ZeroPad{n}d": lambda p: getattr(nn, f"ConstantPad{n}d")(p, 0.0), f"CircularPad{n}d": CircularPad}
        for name, make in kinds.items():
            yield layer(name, lambda: make(SIDES[n]), batch, kind=name)
            if "Constant" in name or "Zero" in name:
                yield layer(f"{name} cutting off", lambda: make(CUT[n]), batch, kind=name)
            if not name.startswith("Circular"):
                yield layer(f"{name} of all sides, unbatched", lambda: make((1,) * 2 * n), SHAPE[n], kind=name)


def prints():
    return {f"{kind}{n}d": getattr(nn, f"{kind}{n}d")(SIDES[n]) for n in (1, 2, 3)
            for kind in ("ReflectionPad", "ReplicationPad")} | {
        "ConstantPad1d": nn.ConstantPad1d(2, 3.5), "ConstantPad2d": nn.ConstantPad2d((1, -1, 0, 2), -1.0),
        "ConstantPad3d": nn.ConstantPad3d(1, 0.25), "ZeroPad2d": nn.ZeroPad2d((1, 1, 2, 0))}
