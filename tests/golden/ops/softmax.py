"""Cases of the operations in tests/ops/softmax_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, INF, NAN, case, integers, randn, sweep


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

    for args in ({"dim": 1}, {"dim": -3}):
        yield case("softmin", lambda x: F.softmin(x, **args), [randn(2, 3, 4) * 3], args)
    yield from sweep("softmin", lambda x: F.softmin(x, 1), [integers(0, 5, 2, 3)], {"dim": 1})
    for name, fn in (("softmax", F.softmax), ("log_softmax", F.log_softmax), ("softmin", F.softmin)):
        yield case(name, lambda x: fn(x, 0, dtype=torch.float64), [randn(5, dtype=F32)], {"dim": 0, "dtype": "f64"})
    yield case("softmax", lambda x: F.softmax(x, 0, dtype=torch.float32), [integers(0, 5, 4)], {"dim": 0, "dtype": "f32"})

    def gumbel(x, **args):
        torch.manual_seed(3)
        return F.gumbel_softmax(x, **args)
    for args in ({}, {"tau": 0.5}, {"tau": 2.0, "hard": True}, {"dim": 0}, {"dim": 0, "hard": True}):
        yield case("gumbel_softmax", lambda x: gumbel(x, **args), [randn(4, 5)], args)
    yield case("gumbel_softmax", gumbel, [randn(3, 2, 8, dtype=F32)])
    yield from sweep("gumbel_softmax", gumbel, [integers(0, 5, 2, 3)])
