"""Cases of the operations in tests/ops/matmul_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, I32, case, integers, randn


def cases():
    shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
              ((5, 2, 3), (5, 3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((2, 0), (0, 3)),
              ((0, 3), (3, 2)), ((0, 2, 3), (3, 2)), ((0, 2, 3), (0, 3, 2)), ((0,), (0,)), ((1, 2, 3), (4, 3, 2))]
    for a, b in shapes:
        yield case("matmul", torch.matmul, [randn(*a), randn(*b)])
    yield case("matmul", torch.matmul, [randn(4, 5, dtype=F32), randn(5, 3, dtype=F32)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3), integers(-9, 9, 3, 2)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3, dtype=I32), integers(-9, 9, 3, 2, dtype=I32)])
    for x in ((3,), (4, 3), (2, 5, 3), (0, 3)):
        yield case("linear", F.linear, [randn(*x), randn(2, 3), randn(2)])
        yield case("linear", F.linear, [randn(*x), randn(2, 3), None])
    yield case("linear", F.linear, [randn(4, 3), randn(3), None])
    yield case("linear", F.linear, [randn(4, 0), randn(2, 0), randn(2)])
    yield case("linear", F.linear, [randn(4, 3, dtype=F32), randn(2, 3, dtype=F32), randn(2, dtype=F32)])
