"""torch.nn.init, for tests/nn/init_test.cpp."""

import torch
from torch import nn

from layer_cases import F32, F64, dump


def init():
    calls = {
        "uniform_": lambda x: nn.init.uniform_(x, -2, 3),
        "normal_": lambda x: nn.init.normal_(x, 1, 0.5),
        "constant_": lambda x: nn.init.constant_(x, 0.25),
        "kaiming_uniform_": lambda x: nn.init.kaiming_uniform_(x, a=0.2),
        "xavier_uniform_": lambda x: nn.init.xavier_uniform_(x, gain=1.5),
    }
    for name, fill in calls.items():
        for dtype in (F32, F64):
            torch.manual_seed(3)
            yield {"name": name, "dtype": str(dtype).split(".")[1], "result": dump(fill(torch.empty(4, 3, 2, dtype=dtype)))}
