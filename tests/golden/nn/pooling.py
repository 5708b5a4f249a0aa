"""Layers of tests/nn/pooling_test.cpp: see ../layer_cases.py."""

import torch
import torch.nn.functional as F
from torch import nn

from layer_cases import F32, layer

SHAPES = {1: (2, 2, 7), 2: (1, 2, 5, 6), 3: (1, 2, 4, 4, 5)}
CUT = {"kernel_size": (3, 2, 2), "stride": (2, 1, 2), "padding": (1, 1, 0), "dilation": (1, 2, 1)}


def of(dims, *names):
    return {name: CUT[name][:dims] for name in names}


class LPPool3d(nn.Module):
    """That of PyTorch 2.2, which 1.13 has not got yet: by its definition, with ends that do not fit cut off."""

    def __init__(self, norm_type, kernel_size, stride):
        super().__init__()
        self.norm_type, self.kernel_size, self.stride = norm_type, kernel_size, stride

    def forward(self, x):
        for dim, (size, step) in enumerate(zip(self.kernel_size, self.stride), 2):
            x = x.unfold(dim, size, step)
        return x.pow(self.norm_type).sum((-3, -2, -1)).pow(1 / self.norm_type)


def layers():
    plane = (1, 2, 5, 6)
    yield layer("max pool", lambda: nn.MaxPool2d(2), plane)
    yield layer("max pool of all options",
                lambda: nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=True), plane)
    yield layer("avg pool", lambda: nn.AvgPool2d(2), plane)
    yield layer("avg pool of all options",
                lambda: nn.AvgPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True, count_include_pad=False), plane)
    yield layer("avg pool with divisor", lambda: nn.AvgPool2d(2, stride=1, divisor_override=3), (2, 4, 3))

    yield layer("LPPool3d", lambda: LPPool3d(2, (3, 2, 2), (1, 2, 3)), SHAPES[3])
    for n in (1, 2, 3):
        kind = lambda name: getattr(nn, f"{name}{n}d")
        batch, single = SHAPES[n], SHAPES[n][1:]
        if n != 2:
            yield layer(f"MaxPool{n}d", lambda: kind("MaxPool")(2), single, dtype=F32)
            yield layer(f"MaxPool{n}d of all options",
                        lambda: kind("MaxPool")(**of(n, "kernel_size", "stride", "padding", "dilation"), ceil_mode=True),
                        batch, dtype=F32)
            yield layer(f"AvgPool{n}d", lambda: kind("AvgPool")(2), single, dtype=F32)
            yield layer(f"AvgPool{n}d of all options",
                        lambda: kind("AvgPool")(**of(n, "kernel_size", "stride", "padding"), ceil_mode=True,
                                                count_include_pad=False), batch, dtype=F32)
        if n != 3:
            yield layer(f"LPPool{n}d", lambda: kind("LPPool")(2, 3, stride=2, ceil_mode=True), batch, dtype=F32)
        yield layer(f"AdaptiveAvgPool{n}d", lambda: kind("AdaptiveAvgPool")((3, None, 2)[:n]), batch, dtype=F32)
        yield layer(f"AdaptiveMaxPool{n}d", lambda: kind("AdaptiveMaxPool")((3, None, 2)[:n]), single, dtype=F32)
        yield layer(f"MaxUnpool{n}d", lambda: kind("MaxUnpool")(2, stride=2), batch, dtype=F32,
                    call=lambda m, x: m(*kind("MaxPool")(2, return_indices=True)(x[0]), output_size=x[0].shape))
        if n != 1:
            yield layer(f"FractionalMaxPool{n}d", lambda: kind("FractionalMaxPool")(2, output_size=2), batch, dtype=F32,
                        steps=2)


def prints():
    made = {}
    for n in (1, 2, 3):
        kind = lambda name: getattr(nn, f"{name}{n}d")
        made[f"MaxPool{n}d"] = kind("MaxPool")(2)
        sizes = [3, 2, 1] if n == 1 else [(3, 2, 2)[:n], (2, 1, 2)[:n], (1, 2, 1)[:n]]
        made[f"MaxPool{n}d of all options"] = kind("MaxPool")(*sizes[:2], 1, sizes[2], ceil_mode=True)
        made[f"AvgPool{n}d"] = kind("AvgPool")(3, padding=1)
        made[f"AdaptiveAvgPool{n}d"] = kind("AdaptiveAvgPool")(3)
        made[f"AdaptiveMaxPool{n}d"] = kind("AdaptiveMaxPool")((3, None, 2)[:n] if n > 1 else 2)
        made[f"MaxUnpool{n}d"] = kind("MaxUnpool")(3, stride=2, padding=1)
        if n > 1:
            made[f"FractionalMaxPool{n}d"] = kind("FractionalMaxPool")(2, output_ratio=0.5)
    made["LPPool1d"] = nn.LPPool1d(2.5, 3)
    made["LPPool2d"] = nn.LPPool2d(2, (3, 2), stride=2, ceil_mode=True)
    return made
