"""Cases of the operations in tests/ops/softmax_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import INF, NAN, case, integers, randn, sweep


def cases():
    for dim in (0, 1, -1):
        for name, fn in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
            yield case(name, lambda x: fn(x, dim), [randn(2, 3, 4) * 3], {"dim": dim})
    for name, fn in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        yield case(name, lambda x: fn(x, 0), [randn()], {"dim": 0})
        yield case(name, lambda x: fn(x, 1), [randn(2, 0)], {"dim": 1})
        yield case(name, lambda x: fn(x, 0), [torch.tensor([1000.0, 999.0, -1000.0])], {"dim": 0})
        yield case(name, lambda x: fn(x, 1), [torch.tensor([[-INF, 0.0], [-INF, -INF]])], {"dim": 1})
        yield from sweep(name, lambda x: fn(x, 1), [integers(0, 5, 2, 3)], {"dim": 1})
        yield case(name, lambda x: fn(x, -1), [torch.tensor([[NAN, 0.0], [INF, 1.0]])], {"dim": -1}, grad=False)
