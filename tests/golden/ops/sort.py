"""Cases of the operations in tests/ops/sort_test.cpp: see ../torch_cases.py.

Where elements are equal, PyTorch's topk, kthvalue and median may name any of them: those cases have none."""

import torch

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep

SPECIAL = torch.tensor([[3.0, NAN, -INF, 0.0, INF], [NAN, 1.0, NAN, -2.0, 5.0]], dtype=F64)
DIFFERENT = torch.tensor([[3, 0, 2, 1], [0, 1, 5, 4]])  # bool of it is not: values alone are compared


def sort_cases():
    ties = torch.tensor([2.0, 1.0, 2.0, 0.0, -0.0, 1.0], dtype=F64)
    for x, dim, descending in ((randn(3, 4), -1, False), (randn(3, 4), 0, True), (randn(2, 3, 2), 1, False), (ties, 0, False),
                               (ties, 0, True), (SPECIAL, 1, False), (SPECIAL, 1, True), (randn(), 0, False),
                               (randn(0, 3), 0, False), (randn(0, 3), 1, True), (randn(3, 0), 1, False),
                               (randn(9, dtype=F32), 0, False), (integers(-5, 5, 12), 0, True)):
        args = {"dim": dim, "descending": descending}
        fn = lambda x: torch.sort(x, dim=dim, descending=descending, stable=True)
        yield case("sort", fn, [x], args)
        yield case("argsort", lambda x: fn(x)[1], [x], args, grad=False)
    args = {"dim": 1, "descending": True}
    yield from sweep("sort", lambda x: torch.sort(x, dim=1, descending=True, stable=True), [integers(0, 5, 2, 6)], args)
    yield from sweep("argsort", lambda x: torch.sort(x, dim=1, descending=True, stable=True)[1], [integers(0, 5, 2, 6)],
                     args)


def topk_cases():
    for x, k, dim, largest in ((randn(3, 5), 2, -1, True), (randn(3, 5), 2, 0, False), (randn(2, 4, 3), 4, 1, True),
                               (randn(3, 5), 0, 1, True), (randn(), 1, 0, True), (randn(0, 3), 2, 1, False),
                               (SPECIAL[:1], 3, 1, True), (SPECIAL[:1], 3, 1, False)):
        yield case("topk", lambda x: torch.topk(x, k, dim, largest), [x], {"k": k, "dim": dim, "largest": largest})
    yield from sweep("topk", lambda x: torch.topk(x, 2, 1), [DIFFERENT], {"k": 2, "dim": 1, "largest": True, "values": True})


def selection_cases():
    for x, k, dim, keepdim in ((randn(3, 5), 2, -1, False), (randn(3, 5), 3, 0, True), (randn(2, 4, 3), 1, 1, False),
                               (randn(), 1, 0, False), (randn(0, 3), 3, 1, False), (SPECIAL[:1], 4, 1, False)):
        yield case("kthvalue", lambda x: torch.kthvalue(x, k, dim, keepdim), [x], {"k": k, "dim": dim, "keepdim": keepdim})
    yield from sweep("kthvalue", lambda x: torch.kthvalue(x, 2, 1), [DIFFERENT], {"k": 2, "dim": 1})
    for name in ("median", "nanmedian"):
        fn = getattr(torch, name)
        for x, dim, keepdim in ((randn(3, 5), -1, False), (randn(4, 3), 0, True), (randn(2, 4, 3), 1, False), (randn(), 0, False),
                                (randn(0, 3), 1, False), (SPECIAL, 1, False),
                                (torch.tensor([[NAN, NAN], [1.0, NAN]], dtype=F64), 1, True)):
            yield case(name + "_dim", lambda x: fn(x, dim, keepdim), [x], {"dim": dim, "keepdim": keepdim})
        for x in (randn(3, 3), randn(2, 3), randn(), randn(0), SPECIAL, torch.tensor([1.0, 2.0, 2.0, 2.0, 3.0], dtype=F64),
                  integers(-9, 9, 7)):
            yield case(name, fn, [x], grad=x.numel() > 0)
        yield from sweep(name, fn, [DIFFERENT])


def quantile_cases():
    for interpolation in ("linear", "lower", "higher", "nearest", "midpoint"):
        for x, q, dim, keepdim in ((randn(3, 6), [0.0, 0.3, 0.5, 1.0], 1, False), (randn(4, 3), [0.25], 0, True),
                                   (randn(3, 5), 0.6, None, False), (randn(2, 3, 2), 0.1, -2, True),
                                   (randn(2, 2), [0.2, 0.9], None, True), (randn(), 0.5, 0, False),
                                   (torch.tensor([[1.0, NAN, 2.0], [3.0, 1.0, 2.0]], dtype=F64), [0.0, 0.75], 1, False)):
            args = {"keepdim": keepdim, "interpolation": interpolation, **({} if dim is None else {"dim": dim})}
            fn = lambda x, q: torch.quantile(x, q, dim, keepdim, interpolation=interpolation)
            yield case("quantile", fn, [x, torch.tensor(q, dtype=F64)], args, grad=not x.isnan().any())
    yield from sweep("quantile", lambda x, q: torch.quantile(x, q, 1), [DIFFERENT, torch.tensor([0.25, 1.0])],
                     {"dim": 1, "interpolation": "linear"})


def cases():
    yield from sort_cases()
    yield from topk_cases()
    yield from selection_cases()
    yield from quantile_cases()
