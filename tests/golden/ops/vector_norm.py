"""Cases of the operations in tests/ops/vector_norm_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep


def norm_cases():
    special = torch.tensor([[0.0, 3.0, -3.0], [0.0, 0.0, 0.0], [1.0, -2.0, 0.0]], dtype=F64)
    for p in (0, 0.5, 1, 1.5, 2, 3, INF, -INF, -1):
        args = {"p": "inf" if p == INF else "-inf" if p == -INF else p}
        norm = lambda x, dims, keepdim: torch.linalg.vector_norm(x, p, dims, keepdim)
        for x, dims, keepdim in ((randn(2, 3, 2), [], False), (randn(2, 3, 2), [0, 2], True), (randn(2, 3), [1], False)):
            yield case("norm", lambda x: norm(x, dims or None, keepdim), [x], {**args, "dims": dims, "keepdim": keepdim})
        if p >= 1:  # below, PyTorch's gradients at 0 are not finite
            yield case("norm", lambda x: norm(x, [1], False), [special], {**args, "dims": [1]})
        yield case("norm", lambda x: norm(x, None, False), [randn()], {**args, "dims": []})
        for x in ([NAN, 1.0], [INF, 1.0], [-INF, 0.0]):
            yield case("norm", lambda x: norm(x, None, False), [torch.tensor(x, dtype=F64)], {**args, "dims": []},
                       grad=False)
    yield from sweep("norm", lambda x: torch.linalg.vector_norm(x, 2, [0]), [integers(0, 5, 2, 3)], {"p": 2, "dims": [0]})
    yield case("norm", lambda x: torch.linalg.vector_norm(x, 2, [1]), [randn(2, 0)], {"p": 2, "dims": [1]})


def logsumexp_cases():
    for dims, keepdim in (([0], False), ([-1], True), ([0, 2], False)):
        yield case("logsumexp", lambda x: x.logsumexp(dims, keepdim), [randn(2, 3, 2)], {"dims": dims, "keepdim": keepdim})
    one = {"dims": [0], "keepdim": False}
    sums = lambda x: x.logsumexp(0)
    for x in ([1000.0, 999.0, -1000.0], [-INF, 0.0, 1.0], [INF, 0.0], [-INF, -INF], [NAN, 1.0], [INF, -INF]):
        grad = INF not in x and x != [-INF, -INF]  # there PyTorch's gradient is NaN
        yield case("logsumexp", sums, [torch.tensor(x, dtype=F64)], one, grad=grad)
    for x in (randn(), randn(0, 2), randn(0), randn(6, dtype=F32)):
        yield case("logsumexp", sums, [x], one)
    yield from sweep("logsumexp", sums, [integers(0, 5, 3, 2)], one)


def cases():
    yield from norm_cases()
    yield from logsumexp_cases()
