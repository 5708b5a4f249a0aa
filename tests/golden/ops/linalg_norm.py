"""Cases of the operations in tests/ops/linalg_norm_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep

L = torch.linalg


def written(order):
    return {INF: "inf", -INF: "-inf"}.get(order, order)


def norm(order):
    return {} if order is None else {"name": order} if isinstance(order, str) else {"order": written(order)}


def cases():
    for order in ("fro", "nuc", INF, -INF, 1, -1, 2, -2):
        for s, dims, keepdim in [((3, 4), [-2, -1], False), ((2, 3, 3), [-2, -1], True), ((3, 2, 4), [2, 0], False),
                                 ((3, 2, 4, 2), [0, -2], True)]:
            yield case("matrix_norm", lambda x: L.matrix_norm(x, order, dims, keepdim), [randn(*s)],
                       {**norm(order), "dims": dims, "keepdim": keepdim})
        args = {**norm(order), "dims": [-2, -1]}
        plain = lambda x: L.matrix_norm(x, order)
        yield case("matrix_norm", plain, [randn(4, 3, dtype=F32)], args)
        yield case("matrix_norm", plain, [randn(0, 3, 2)], args)
        if order in ("fro", "nuc"):
            yield case("matrix_norm", plain, [randn(3, 0)], args)
        yield from sweep("matrix_norm", plain, [integers(0, 5, 3, 3) + 3 * torch.eye(3).to(torch.int64)], args)
    for s, order, dims in [((3,), 3, []), ((3, 4), "nuc", []), ((3, 4), INF, []), ((2, 3, 4), 1, [1]), ((2, 3, 4), "fro", [0, 2]),
                           ((2, 3, 4), -2, [2, 0]), ((2, 3, 4), None, []), ((2, 3, 4), None, [0, 1]), ((), None, []), ((4,), 0, [0])]:
        for keepdim in (False, True):
            yield case("norm", lambda x: L.norm(x, order, dims or None, keepdim), [randn(*s)],
                       {**norm(order), "dims": dims, "keepdim": keepdim})
    yield from sweep("norm", L.norm, [integers(0, 5, 3, 2)], {"dims": []})
    for p in (0, 1, 2, 2.5, INF, -INF):
        for dims, keepdim in (([], False), ([0, -1], True), ([1], False)):
            yield case("vector_norm", lambda x: L.vector_norm(x, p, dims or None, keepdim), [randn(2, 3, 2)],
                       {"p": written(p), "dims": dims, "keepdim": keepdim})
    yield case("vector_norm", L.vector_norm, [torch.tensor([NAN, 1.0], dtype=F64)], {"dims": []}, grad=False)
    yield from sweep("vector_norm", L.vector_norm, [integers(0, 5, 3, 2)], {"dims": []})
