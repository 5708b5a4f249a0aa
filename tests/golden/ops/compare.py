"""Cases of the operations in tests/ops/compare_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F64, I32, INF, NAN, case, integers


def cases():
    special = torch.tensor([0.0, -0.0, 1.0, -1.0, NAN, INF, -INF], dtype=F64)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        fn = getattr(torch, name)
        yield case(name, fn, [special.reshape(-1, 1), special], grad=False)
        yield case(name, fn, [integers(0, 4, 2, 3), integers(0, 4, 3, dtype=I32)], grad=False)
        yield case(name, fn, [integers(0, 3, 6), torch.tensor(1.5)], grad=False)
        for s in (1, 1.5):
            yield case(name + "_scalar", lambda a: fn(a, s), [integers(0, 3, 5)], {"s": s}, grad=False)
        # 0.1 is another number in f32 than in f64
        yield case(name + "_scalar", lambda a: fn(a, 0.1), [torch.tensor([0.1, 0.2])], {"s": 0.1}, grad=False)
        yield case(name, fn, [torch.tensor([2**60, 2**60 + 1]), torch.tensor([2**60 + 1, 2**60])], grad=False)
    a, b = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    yield case("logical_and", torch.logical_and, [a, b])
    yield case("logical_or", torch.logical_or, [a, b])
    yield case("logical_and", torch.logical_and, [special.reshape(-1, 1), special], grad=False)
    yield case("logical_or", torch.logical_or, [special.reshape(-1, 1), special], grad=False)
    yield case("logical_not", torch.logical_not, [special], grad=False)
    yield case("logical_not", torch.logical_not, [a])
    yield case("isnan", torch.isnan, [special], grad=False)
    yield case("isfinite", torch.isfinite, [special], grad=False)
    yield case("isfinite", torch.isfinite, [integers(0, 3, 3)])
