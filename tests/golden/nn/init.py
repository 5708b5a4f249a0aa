"""torch.nn.init, for tests/nn/init_test.cpp."""

import torch
from torch import nn

from layer_cases import F32, F64, dump

CALLS = {
    "uniform_": ((4, 3, 2), lambda x: nn.init.uniform_(x, -2, 3)),
    "normal_": ((4, 3, 2), lambda x: nn.init.normal_(x, 1, 0.5)),
    "trunc_normal_": ((4, 5), lambda x: nn.init.trunc_normal_(x)),
    "trunc_normal_ of all options": ((4, 5), lambda x: nn.init.trunc_normal_(x, 1, 0.5, 0.5, 1.75)),
    "constant_": ((4, 3, 2), lambda x: nn.init.constant_(x, 0.25)),
    "ones_": ((3,), nn.init.ones_),
    "zeros_": ((3,), nn.init.zeros_),
    "eye_ wide": ((2, 4), nn.init.eye_),
    "eye_ tall": ((4, 2), nn.init.eye_),
    "dirac_ 1d": ((3, 2, 3), nn.init.dirac_),
    "dirac_ 2d": ((4, 3, 2, 3), lambda x: nn.init.dirac_(x, 2)),
    "dirac_ 3d": ((2, 3, 1, 2, 3), nn.init.dirac_),
    "xavier_uniform_": ((4, 3, 2), lambda x: nn.init.xavier_uniform_(x, gain=1.5)),
    "xavier_normal_": ((4, 3, 2), lambda x: nn.init.xavier_normal_(x, gain=1.5)),
    "kaiming_uniform_": ((4, 3, 2), lambda x: nn.init.kaiming_uniform_(x, a=0.2)),
    "kaiming_uniform_ of all options": ((4, 3), lambda x: nn.init.kaiming_uniform_(x, mode="fan_out", nonlinearity="relu")),
    "kaiming_normal_": ((4, 3, 2), nn.init.kaiming_normal_),
    "kaiming_normal_ of all options": ((4, 3), lambda x: nn.init.kaiming_normal_(x, mode="fan_out", nonlinearity="selu")),
    "orthogonal_": ((4, 3), lambda x: nn.init.orthogonal_(x, gain=2)),
    "orthogonal_ wide": ((2, 6), nn.init.orthogonal_),
    "orthogonal_ square": ((5, 5), nn.init.orthogonal_),
    "orthogonal_ kernel": ((3, 2, 2, 2), nn.init.orthogonal_),
    "sparse_": ((5, 4), lambda x: nn.init.sparse_(x, 0.5)),
    "sparse_ of all options": ((6, 3), lambda x: nn.init.sparse_(x, 0.1, std=1.0)),
}


def init():
    for name, (shape, fill) in CALLS.items():
        for dtype in (F32, F64):
            torch.manual_seed(3)
            yield {"name": name, "dtype": str(dtype).split(".")[1], "result": dump(fill(torch.empty(shape, dtype=dtype)))}
