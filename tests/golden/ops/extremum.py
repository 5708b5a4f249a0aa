"""Cases of the operations in tests/ops/extremum_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, INF, NAN, U8, case, integers, randn, sweep


def shared_cases(ties, nans, infinite):
    for name in ("amax", "amin"):
        fn = getattr(torch, name)
        for x, dims, keepdim in ((randn(2, 3, 2), [], False), (randn(2, 3, 2), [0, -1], True), (ties, [1], False),
                                 (ties, [], False), (ties, [0], True), (infinite, [1], False), (randn(), [], False),
                                 (randn(), [0], True), (randn(0, 3), [1], False)):
            yield case(name, lambda x: fn(x, dims, keepdim), [x], {"dims": dims, "keepdim": keepdim})
        yield case(name, lambda x: fn(x, [0]), [nans], {"dims": [0]}, grad=False)
        yield from sweep(name, lambda x: fn(x, [1]), [integers(0, 5, 2, 3)], {"dims": [1]})
    for x, dim, keepdim in ((randn(2, 3), 1, False), (ties, 0, True), (infinite, -1, False), (randn(), 0, False)):
        yield case("aminmax", lambda x: torch.aminmax(x, dim=dim, keepdim=keepdim), [x], {"dims": [dim], "keepdim": keepdim},
                   grad=False)
    yield case("aminmax", torch.aminmax, [nans], {"dims": []}, grad=False)
    yield from sweep("aminmax", lambda x: torch.aminmax(x, dim=1), [integers(0, 5, 2, 3)], {"dims": [1]})


def position_cases(ties, nans, infinite):
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
        yield from sweep(name, lambda x: getattr(x, name)(), [integers(0, 5, 2, 3)])
        yield from sweep(name + "_dim", lambda x: getattr(x, name)(1), [torch.tensor([[0, 1], [3, 2]])], {"dim": 1})
        yield from sweep("arg" + name, lambda x: getattr(x, "arg" + name)(1), [torch.tensor([[0, 1], [3, 2]])], {"dim": 1})


def cases():
    ties = torch.tensor([[1.0, 3.0, 3.0], [3.0, 2.0, 1.0]], dtype=F64)
    nans = torch.tensor([[1.0, NAN, 3.0], [NAN, 2.0, NAN]], dtype=F64)
    infinite = torch.tensor([[-INF, -INF, 1.0], [INF, INF, 1.0]], dtype=F64)
    yield from position_cases(ties, nans, infinite)
    yield from shared_cases(ties, nans, infinite)
