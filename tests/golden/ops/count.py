"""Cases of the operations in tests/ops/count_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, I32, I64, INF, NAN, U8, case, integers, randn, sweep


def bin_cases():
    for x, minlength in ((integers(0, 6, 12), 0), (integers(0, 3, 5, dtype=I32), 7), (integers(0, 3, 5, dtype=U8), 2),
                         (torch.zeros(0, dtype=I64), 0), (torch.zeros(0, dtype=I64), 3)):
        yield case("bincount", lambda x: torch.bincount(x, minlength=minlength), [x], {"minlength": minlength})
        # of no weights PyTorch's sums are i64
        for w in (randn(x.numel()), randn(x.numel(), dtype=F32), integers(0, 5, x.numel())) if x.numel() > 0 else ():
            yield case("bincount", lambda x, w: torch.bincount(x, w, minlength), [x, w], {"minlength": minlength}, grad=False)
    yield from sweep("bincount", torch.bincount, [integers(0, 4, 6)])
    yield from sweep("bincount", torch.bincount, [integers(0, 4, 6), integers(0, 4, 6)], positions=[1])
    for x, bins, low, high in ((randn(20), 5, 0, 0), (randn(4, 5), 4, -1, 1), (torch.tensor([2.0, 2.0]), 3, 0, 0),
                               (torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 4.0], dtype=F64), 4, 0, 4),
                               (torch.tensor([1.0, INF, -INF, 0.5]), 2, 0, 1), (randn(9, dtype=F32), 100, 0, 0)):
        yield case("histc", lambda x: torch.histc(x, bins, low, high), [x], {"bins": bins, "min": low, "max": high},
                   grad=False)
    yield from sweep("histc", lambda x: torch.histc(x, 3, 0, 4), [integers(0, 5, 9)], {"bins": 3, "min": 0, "max": 4})
    for x, dims in ((integers(0, 2, 3, 4), []), (integers(0, 2, 3, 4), [0]), (integers(0, 2, 2, 3, 2), [0, -1]),
                    (torch.tensor([0.0, -0.0, NAN, INF]), []), (torch.zeros(0, 2), [0]), (torch.tensor(3.0), [])):
        yield case("count_nonzero", lambda x: torch.count_nonzero(x, dims or None), [x], {"dims": dims}, grad=False)
    yield from sweep("count_nonzero", lambda x: torch.count_nonzero(x, 1), [integers(0, 2, 3, 4)], {"dims": [1]})


def search_cases():
    rows = torch.tensor([[1.0, 3.0, 3.0, 5.0], [0.0, 2.0, 4.0, 6.0]], dtype=F64)
    values = torch.tensor([[3.0, 0.0, 9.0], [4.0, -1.0, 6.0]], dtype=F64)
    special = torch.tensor([NAN, INF, -INF, 3.0], dtype=F64)
    for right in (False, True):
        args = {"right": right}
        search = lambda s, v: torch.searchsorted(s, v, right=right)
        for s, v in ((rows, values), (rows[0], values), (rows[0], torch.tensor(3.0, dtype=F64)), (rows[0], special),
                     (rows[:, :0], values), (rows, values[:, :0]), (rows.reshape(1, 2, 4), values.reshape(1, 2, 3)),
                     (torch.tensor([1, 3, 5]), integers(0, 7, 2, 3)), (torch.tensor([0.0, 1.0, NAN], dtype=F64), special)):
            yield case("searchsorted", search, [s, v], args, grad=False)
            if s.dim() == 1:
                yield case("bucketize", lambda v, s: torch.bucketize(v, s, right=right), [v, s], args, grad=False)
        yield case("searchsorted_scalar", lambda s: torch.searchsorted(s, 3, right=right), [rows[0]], {**args, "value": 3},
                   grad=False)
        boundaries, numbers = torch.tensor([0, 1, 1, 3]), integers(0, 5, 2, 3)
        yield from sweep("searchsorted", search, [boundaries, numbers], args)
        yield from sweep("bucketize", lambda v, s: torch.bucketize(v, s, right=right), [numbers, boundaries], args)


def unique_cases():
    for name, fn in (("unique", torch.unique), ("unique_consecutive", torch.unique_consecutive)):
        run = lambda x: fn(x, return_inverse=True, return_counts=True)
        for x in (integers(-2, 3, 12), integers(0, 2, 3, 4), torch.tensor([2.5, 2.5, -1.0, 2.5, INF, -1.0], dtype=F64),
                  integers(0, 5, 0), torch.tensor(4)):
            yield case(name, run, [x], grad=False)
        yield from sweep(name, run, [torch.tensor([0, 0, 3, 1, 1, 0])])


def cases():
    yield from bin_cases()
    yield from search_cases()
    yield from unique_cases()
