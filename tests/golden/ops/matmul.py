"""Cases of the operations in tests/ops/matmul_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, I32, INF, NAN, case, integers, randn, sweep


def cases():
    shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
              ((5, 2, 3), (5, 3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((2, 0), (0, 3)),
              ((0, 3), (3, 2)), ((0, 2, 3), (3, 2)), ((0, 2, 3), (0, 3, 2)), ((0,), (0,)), ((1, 2, 3), (4, 3, 2))]
    for a, b in shapes:
        yield case("matmul", torch.matmul, [randn(*a), randn(*b)])
    yield case("matmul", torch.matmul, [randn(4, 5, dtype=F32), randn(5, 3, dtype=F32)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3), integers(-9, 9, 3, 2)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3, dtype=I32), integers(-9, 9, 3, 2, dtype=I32)])
    special = torch.tensor([[1, NAN], [INF, 2]], dtype=F64)
    products = {"matmul": (torch.matmul, (2, 3), (3, 2)), "mm": (torch.mm, (2, 3), (3, 2)),
                "bmm": (torch.bmm, (2, 2, 3), (2, 3, 2)), "mv": (torch.mv, (2, 3), (3,)), "dot": (torch.dot, (3,), (3,)),
                "outer": (torch.outer, (2,), (3,))}
    for name, (fn, a, b) in products.items():
        yield case(name, fn, [randn(*a), randn(*b)])
        yield case(name, fn, [randn(*a, dtype=F32), randn(*b, dtype=F32)])
        yield from sweep(name, fn, [integers(0, 9, *a), integers(0, 9, *b)])
    yield case("mm", torch.mm, [special, randn(2, 2)], grad=False)
    yield case("outer", torch.outer, [integers(-9, 9, 3), randn(2)])
    for name, fn, shapes in [("mm", torch.mm, [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((1, 1), (1, 1))]),
                             ("bmm", torch.bmm, [((0, 2, 3), (0, 3, 2)), ((2, 2, 0), (2, 0, 3)), ((1, 2, 3), (1, 3, 1))]),
                             ("mv", torch.mv, [((0, 3), (3,)), ((2, 0), (0,))]), ("dot", torch.dot, [((0,), (0,)), ((1,), (1,))]),
                             ("outer", torch.outer, [((0,), (3,)), ((2,), (0,))])]:
        for a, b in shapes:
            yield case(name, fn, [randn(*a), randn(*b)])

    sums = {"addmm": (torch.addmm, (2, 4), (2, 3), (3, 4)), "addmv": (torch.addmv, (2,), (2, 3), (3,)),
            "baddbmm": (torch.baddbmm, (2, 2, 4), (2, 2, 3), (2, 3, 4))}
    for name, (fn, x, a, b) in sums.items():
        for options in [{}, {"beta": 0.5, "alpha": -2.0}, {"beta": 0.0, "alpha": 1.0}]:
            scaled = lambda *t: fn(*t, **options)
            yield case(name, scaled, [randn(*x), randn(*a), randn(*b)], options)
            yield case(name, scaled, [randn(*x[-1:], dtype=F32) if name != "addmv" else randn(1, dtype=F32),
                                      randn(*a, dtype=F32), randn(*b, dtype=F32)], options)
        yield case(name, lambda *t: fn(*t, beta=0), [torch.full(x, NAN, dtype=F64), randn(*a), randn(*b)], {"beta": 0}, grad=False)
        yield from sweep(name, lambda *t: fn(*t, beta=2, alpha=3), [integers(0, 4, *x), integers(0, 4, *a), integers(0, 4, *b)],
                         {"beta": 2, "alpha": 3})

    for x in ((3,), (4, 3), (2, 5, 3), (0, 3)):
        yield case("linear", F.linear, [randn(*x), randn(2, 3), randn(2)])
        yield case("linear", F.linear, [randn(*x), randn(2, 3), None])
    yield case("linear", F.linear, [randn(4, 3), randn(3), None])
    yield case("linear", F.linear, [randn(4, 0), randn(2, 0), randn(2)])
    yield case("linear", F.linear, [randn(4, 3, dtype=F32), randn(2, 3, dtype=F32), randn(2, dtype=F32)])
    yield from sweep("linear", F.linear, [integers(0, 4, 2, 3), integers(0, 4, 2, 3), integers(0, 4, 2)])
    for rows in ((), (4,), (2, 3), (0,)):
        yield case("bilinear", F.bilinear, [randn(*rows, 3), randn(*rows, 2), randn(4, 3, 2), randn(4)])
    yield case("bilinear", F.bilinear, [randn(2, 3, dtype=F32), randn(2, 2, dtype=F32), randn(4, 3, 2, dtype=F32), None])
    yield from sweep("bilinear", F.bilinear, [integers(0, 3, 2, 3), integers(0, 3, 2, 2), integers(0, 3, 2, 3, 2), integers(0, 3, 2)])
