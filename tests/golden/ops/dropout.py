"""Cases of the operations in tests/ops/dropout_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, case, randn


def cases():
    for seed, p, x in ((0, 0.5, randn(4, 5)), (3, 0.1, randn(3, 7, dtype=F32)), (9, 0.9, randn(20)), (1, 1.0, randn(3)),
                       (1, 0.0, randn(3)), (5, 0.5, randn(0, 3)), (5, 0.3, randn())):
        def run(x):
            torch.manual_seed(seed)
            return F.dropout(x, p, True)
        yield case("dropout", run, [x], {"seed": seed, "p": p})
