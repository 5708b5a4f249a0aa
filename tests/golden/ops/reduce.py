"""Cases of the operations in tests/ops/reduce_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import BOOL, F32, F64, I32, I64, INF, NAN, U8, case, integers, randn


def cases():
    for dims, keepdim in (([], False), ([0], False), ([1], True), ([-1, 0], False), ([0, 1, 2], True)):
        args = {"dims": dims, "keepdim": keepdim}
        every = dims or [0, 1, 2]
        yield case("sum", lambda x: x.sum(every, keepdim), [randn(2, 3, 4)], args)
        yield case("mean", lambda x: x.mean(every, keepdim), [randn(2, 3, 4)], args)
        for correction in (1, 0):
            more = {**args, "correction": correction}
            yield case("var", lambda x: torch.var(x, every, correction=correction, keepdim=keepdim), [randn(2, 3, 4)],
                       more)
            yield case("std", lambda x: torch.std(x, every, correction=correction, keepdim=keepdim), [randn(2, 3, 4)],
                       more)
    one = {"dims": [0], "keepdim": False}
    for dtype in (F32, I64, I32, U8, BOOL):
        yield case("sum", lambda x: x.sum(0), [integers(0, 2, 5, 2, dtype=dtype)], one, grad=False)
    yield case("sum", lambda x: x.sum(), [torch.tensor([200, 200], dtype=U8)], {"dims": [], "keepdim": False})
    for size in ((0,), (0, 3), (2, 0)):
        yield case("sum", lambda x: x.sum(0), [randn(*size)], one)
        yield case("mean", lambda x: x.mean(0), [randn(*size)], one)
    yield case("var", lambda x: x.var(0), [randn(1, 2)], {**one, "correction": 1})
    yield case("std", lambda x: x.std(0, unbiased=False), [torch.ones(3, 2, dtype=F64)], {**one, "correction": 0})
    yield case("std", lambda x: x.std(0), [torch.ones(3, 2, dtype=F64)], {**one, "correction": 1})
    for x in (randn(), torch.tensor(NAN, dtype=F64)):
        yield case("sum", lambda x: x.sum(0), [x], one)
        yield case("mean", lambda x: x.mean(0), [x], one)

    ties = torch.tensor([[1.0, 3.0, 3.0], [3.0, 2.0, 1.0]], dtype=F64)
    nans = torch.tensor([[1.0, NAN, 3.0], [NAN, 2.0, NAN]], dtype=F64)
    infinite = torch.tensor([[-INF, -INF, 1.0], [INF, INF, 1.0]], dtype=F64)
    for name in ("max", "min"):
        whole = lambda x: getattr(x, name)()
        for x in (randn(2, 3), ties, nans, infinite, randn(), randn(5, dtype=F32)):
            yield case(name, whole, [x])
        yield case(name, whole, [integers(-9, 9, 5)])
        yield case(name, whole, [integers(0, 9, 5, dtype=U8)])
        yield case(name, whole, [torch.tensor([False, True])])
        for x in (randn(2, 3, 4), ties, nans, infinite):
            for dim, keepdim in ((0, False), (-1, True)):
                yield case(name + "_dim", lambda x: getattr(x, name)(dim, keepdim), [x],
                           {"dim": dim, "keepdim": keepdim})
        yield case(name + "_dim", lambda x: getattr(x, name)(0), [randn()], {"dim": 0, "keepdim": False})
        yield case(name + "_dim", lambda x: getattr(x, name)(1), [randn(0, 3)], {"dim": 1, "keepdim": False})
        yield case(name + "_dim", lambda x: getattr(x, name)(1), [integers(-9, 9, 2, 5)], {"dim": 1, "keepdim": False})
        arg = "arg" + name
        for x in (randn(2, 3), ties, nans, infinite, randn(), integers(-3, 3, 3, 4), integers(0, 9, 2, 5, dtype=U8)):
            yield case(arg, lambda x: getattr(x, arg)(), [x], {"keepdim": False}, grad=False)
            for keepdim in (False, True):
                yield case(arg, lambda x: getattr(x, arg)(-1, keepdim), [x], {"dim": -1, "keepdim": keepdim},
                           grad=False)
        yield case(arg, lambda x: getattr(x, arg)(1), [randn(0, 3)], {"dim": 1, "keepdim": False}, grad=False)
    for name in ("any", "all"):
        for x in (torch.tensor([True, False]), torch.tensor([0.0, NAN]), torch.zeros(0), torch.tensor([1, 2]),
                  torch.zeros(2, 3)):
            yield case(name, lambda x: getattr(x, name)().to(BOOL), [x], grad=False)
