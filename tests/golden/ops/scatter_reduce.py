"""Cases of the operations in tests/ops/scatter_reduce_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F64, I64, INF, NAN, case, integers, randn, sweep


REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def cases():
    for reduce in REDUCTIONS:
        for include_self in (True, False):
            args = {"dim": 0, "reduce": reduce, "include_self": include_self}
            fn = lambda x, i, s: x.scatter_reduce(0, i, s, reduce, include_self=include_self)
            index = torch.tensor([[0, 2, 0], [0, 2, 1]])
            yield case("scatter_reduce", fn, [randn(3, 3), index, randn(2, 3)], args)
            yield case("scatter_reduce", fn, [randn(4), torch.tensor([3, 0, 3, 3]), randn(4, dtype=F64)], args)
            yield case("scatter_reduce", fn, [randn(), torch.tensor(0), randn()], args)
            yield case("scatter_reduce", fn, [randn(2), torch.zeros(0, dtype=I64), randn(0)], args)
            special = torch.tensor([NAN, 1, -INF, 2, INF, 0], dtype=F64)
            yield case("scatter_reduce", fn, [torch.tensor([1.0, 2, NAN], dtype=F64),
                                              torch.tensor([0, 0, 1, 1, 1, 2]), special], args, grad=False)
            zeros = torch.tensor([0.0, 2, 0, 3, 2], dtype=F64)  # a zero alone
            yield case("scatter_reduce", fn, [torch.tensor([1.5, 2, 0], dtype=F64), torch.tensor([0, 0, 1, 2, 2]),
                                              zeros], args)
            if include_self:
                yield from sweep("scatter_reduce", fn, [integers(0, 5, 3), torch.tensor([0, 2, 0]), integers(0, 5, 3)],
                                 args, positions=[0, 2])
    ties = torch.tensor([3.0, 3, 1, 3], dtype=F64)
    for reduce in ("amax", "amin"):
        args = {"dim": 0, "reduce": reduce, "include_self": True}
        yield case("scatter_reduce", lambda x, i, s: x.scatter_reduce(0, i, s, reduce),
                   [torch.tensor([3.0, 1], dtype=F64), torch.tensor([0, 0, 1, 1]), ties], args)
    yield case("scatter_reduce", lambda x, i, s: x.scatter_reduce(0, i, s, "mean"),
               [torch.tensor([-7, 0, 5]), torch.tensor([0, 2]), torch.tensor([2, -8])],
               {"dim": 0, "reduce": "mean", "include_self": True})
