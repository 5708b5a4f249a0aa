"""Cases of the operations in tests/ops/reduce_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import BOOL, F32, F64, I32, I64, INF, NAN, U8, case, integers, randn, sweep


def prod_cases():
    zeros = torch.tensor([[0.0, 2.0, 3.0], [4.0, 0.0, 0.0]], dtype=F64)
    for x in (randn(2, 3), zeros, randn(), randn(0), randn(2, 0), randn(5, dtype=F32), integers(-5, 5, 2, 3)):
        yield case("prod", lambda x: x.prod(), [x])
    for x in (randn(2, 3, 4), zeros, randn(0, 3), torch.tensor([[NAN, 0.0, INF]], dtype=F64)):
        for dim, keepdim in ((0, False), (-1, True)):
            yield case("prod_dim", lambda x: x.prod(dim, keepdim), [x], {"dim": dim, "keepdim": keepdim},
                       grad=not x.isnan().any())
    yield from sweep("prod_dim", lambda x: x.prod(1), [integers(1, 4, 2, 3)], {"dim": 1})


def mean_cases():
    nans = torch.tensor([[1.0, NAN, 3.0], [NAN, 2.0, NAN]], dtype=F64)
    for dims, keepdim in (([0], False), ([1], True)):
        args = {"dims": dims, "keepdim": keepdim}
        yield case("nansum", lambda x: x.nansum(dims, keepdim), [nans], args)
        yield case("nanmean", lambda x: x.nanmean(dims, keepdim), [nans], args)
        for name, fn in (("var_mean", torch.var_mean), ("std_mean", torch.std_mean)):
            for correction in (0, 1):
                yield case(name, lambda x: fn(x, dims, correction=correction, keepdim=keepdim), [randn(3, 4)],
                           {**args, "correction": correction})
    for name, fn in (("nansum", torch.nansum), ("nanmean", torch.nanmean), ("var_mean", torch.var_mean),
                     ("std_mean", torch.std_mean)):
        yield case(name, fn, [randn(2, 3)], {"dims": []})
        yield from sweep(name, lambda x: fn(x, 0), [integers(0, 5, 3, 2)], {"dims": [0]})
    yield case("nanmean", torch.nanmean, [torch.tensor([NAN, NAN], dtype=F64)], {"dims": []}, grad=False)


def sweep_cases():
    x = integers(0, 5, 3, 4)
    one = {"dims": [1]}
    for name in ("sum", "mean", "var", "std"):
        yield from sweep(name, lambda x: getattr(x, name)(1), [x], one)
    for name in ("any", "all"):
        yield from sweep(name, lambda x: getattr(x, name)().to(BOOL), [x])
        for x, dim, keepdim in ((integers(0, 2, 3, 4), 0, False), (torch.tensor([[0.0, NAN], [0.0, 0.0]]), -1, True),
                                (torch.zeros(2, 0), 1, False), (torch.zeros(0, 2), 1, False), (torch.tensor(True), 0, True)):
            yield case(name + "_dims", lambda x: getattr(x, name)(dim, keepdim).to(BOOL), [x],
                       {"dims": [dim], "keepdim": keepdim}, grad=False)


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

    yield from prod_cases()
    yield from mean_cases()
    yield from sweep_cases()
    for name in ("any", "all"):
        for x in (torch.tensor([True, False]), torch.tensor([0.0, NAN]), torch.zeros(0), torch.tensor([1, 2]),
                  torch.zeros(2, 3)):
            yield case(name, lambda x: getattr(x, name)().to(BOOL), [x], grad=False)
