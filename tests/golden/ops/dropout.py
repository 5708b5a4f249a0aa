"""Cases of the operations in tests/ops/dropout_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep


def cases():
    for seed, p, x in ((0, 0.5, randn(4, 5)), (3, 0.1, randn(3, 7, dtype=F32)), (9, 0.9, randn(20)), (1, 1.0, randn(3)),
                       (1, 0.0, randn(3)), (5, 0.5, randn(0, 3)), (5, 0.3, randn()),
                       (2, 0.5, torch.tensor([NAN, INF, -INF, -0.0, 1.0, 2.0], dtype=F64))):
        def run(x):
            torch.manual_seed(seed)
            return F.dropout(x, p, True)
        yield case("dropout", run, [x], {"seed": seed, "p": p})

    def halves(x):
        torch.manual_seed(7)
        return F.dropout(x, 0.5, True)
    yield from sweep("dropout", halves, [integers(0, 9, 3, 4)], {"seed": 7, "p": 0.5})
