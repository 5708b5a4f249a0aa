"""Cases of the operations in tests/ops/scan_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep


def cases():
    zeros = torch.tensor([[1.5, 0.0, 2.0, 3.0], [0.0, 2.0, 0.0, 1.0]], dtype=F64)
    special = torch.tensor([1.0, INF, 2.0, NAN, 3.0], dtype=F64)
    for name in ("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin"):
        fn = getattr(torch, name)
        for x, dim in ((randn(2, 3, 4), 0), (randn(2, 3, 4), 1), (randn(2, 3, 4), -1), (zeros, 1), (zeros, 0), (randn(), 0),
                       (randn(0, 3), 0), (randn(2, 0), 1), (randn(1, 1), 0), (randn(9, dtype=F32), 0)):
            yield case(name, lambda x: fn(x, dim), [x], {"dim": dim})
        yield case(name, lambda x: fn(x, 0), [special], {"dim": 0}, grad=False)
        yield from sweep(name, lambda x: fn(x, 1), [integers(0, 4, 2, 5)], {"dim": 1})
    for name in ("cummax", "cummin"):
        ties = torch.tensor([2.0, 1.0, 2.0, 1.0, NAN, 5.0, NAN, 0.0], dtype=F64)
        yield case(name, lambda x: getattr(torch, name)(x, 0), [ties], {"dim": 0})
    for x in ([-INF, -INF, 1.0, 2.0], [1000.0, 999.0, -1000.0, 1001.0], [-1000.0, -2000.0, -1000.0]):
        yield case("logcumsumexp", lambda x: torch.logcumsumexp(x, 0), [torch.tensor(x, dtype=F64)], {"dim": 0},
                   grad=x[0] != -INF)
