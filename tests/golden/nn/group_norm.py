"""Layers of tests/nn/group_norm_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer


class RMSNorm(nn.Module):
    """That of PyTorch 2.4, which 1.13 has not got yet."""

    def __init__(self, shape, eps=None, elementwise_affine=True, dtype=None):
        super().__init__()
        self.normalized_shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", nn.Parameter(torch.ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None)

    def forward(self, x):
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        dims = tuple(range(-len(self.normalized_shape), 0))
        y = x * torch.rsqrt(x.square().mean(dims, keepdim=True) + eps)
        return y if self.weight is None else y * self.weight

    def extra_repr(self):
        return "{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}".format(**self.__dict__)


def layers():
    d = {"dtype": F64}
    yield layer("group norm", lambda: nn.GroupNorm(2, 4, **d), (2, 4, 3), steps=2)
    yield layer("group norm in f32", lambda: nn.GroupNorm(3, 6), (2, 6, 2, 2), dtype=F32)
    yield layer("group norm not affine", lambda: nn.GroupNorm(2, 4, eps=0.1, affine=False, **d), (3, 4))
    yield layer("group norm of channels", lambda: nn.GroupNorm(4, 4, **d), (2, 4, 2, 1, 2))
    yield layer("rms norm", lambda: RMSNorm(6), (2, 2, 6), dtype=F32)
    yield layer("rms norm of planes", lambda: RMSNorm((2, 3), eps=0.1, **d), (3, 2, 3), steps=2)
    yield layer("rms norm not affine", lambda: RMSNorm(6, elementwise_affine=False, **d), (3, 6))
    yield layer("local response norm", lambda: nn.LocalResponseNorm(2), (2, 4, 3))
    yield layer("local response norm of all options", lambda: nn.LocalResponseNorm(3, alpha=0.5, beta=1.5, k=2.0), (1, 5, 2, 2))


def prints():
    return {
        "group norm": nn.GroupNorm(2, 4),
        "group norm of all options": nn.GroupNorm(3, 6, eps=0.1, affine=False),
        "rms norm": RMSNorm(6),
        "rms norm of all options": RMSNorm((3, 4), eps=0.1, elementwise_affine=False),
        "local response norm": nn.LocalResponseNorm(2),
        "local response norm of all options": nn.LocalResponseNorm(3, alpha=0.5, beta=1.5, k=2.0),
    }
