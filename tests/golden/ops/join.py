"""Cases of the operations in tests/ops/join_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import BOOL, F32, U8, case, integers, randn


def cases():
    a, b, c = randn(2, 1), randn(2, 3), randn(2, 2)
    yield case("cat", lambda *t: torch.cat(t, 1), [a, b, c], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, -1), [a, b], {"dim": -1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(3), randn(0), randn(2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 1), [randn(2, 3), randn(0), randn(2, 0)], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(2), randn(1, dtype=F32), integers(0, 5, 2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 0), [integers(0, 5, 2, dtype=U8), integers(0, 2, 2, dtype=BOOL)], {"dim": 0})
    for dim in (0, 1, -1):
        yield case("stack", lambda *t: torch.stack(t, dim), [randn(2, 3), randn(2, 3)], {"dim": dim})
    yield case("stack", lambda *t: torch.stack(t), [randn(), randn()], {"dim": 0})
