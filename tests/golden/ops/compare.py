"""Cases of the operations in tests/ops/compare_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F64, I32, INF, NAN, U8, case, integers, sweep


def cases():
    special = torch.tensor([0.0, -0.0, 1.0, -1.0, NAN, INF, -INF], dtype=F64)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        fn = getattr(torch, name)
        yield case(name, fn, [special.reshape(-1, 1), special], grad=False)
        yield case(name, fn, [integers(0, 4, 2, 3), integers(0, 4, 3, dtype=I32)], grad=False)
        yield case(name, fn, [integers(0, 3, 6), torch.tensor(1.5)], grad=False)
        yield from sweep(name, fn, [integers(0, 3, 5), integers(0, 3, 5)])
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
    yield case("isinf", torch.isinf, [special], grad=False)
    yield case("logical_xor", torch.logical_xor, [a, b])
    yield case("logical_xor", torch.logical_xor, [special.reshape(-1, 1), special], grad=False)
    for name in ("logical_and", "logical_or", "logical_xor"):
        yield from sweep(name, getattr(torch, name), [integers(0, 2, 5), integers(0, 2, 5)])
    for name in ("logical_not", "isnan", "isinf", "isfinite"):
        yield from sweep(name, getattr(torch, name), [integers(0, 2, 4)])
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        fn = getattr(torch, name)
        yield case(name, fn, [integers(-9, 9, 2, 3), integers(-9, 9, 3, dtype=I32)])
        yield case(name, fn, [a, b])
        yield case(name, fn, [integers(0, 255, 4, dtype=U8), torch.tensor(3)])
        yield from sweep(name, fn, [integers(0, 9, 4), integers(0, 9, 4)])
    yield case("bitwise_not", torch.bitwise_not, [integers(-9, 9, 4)])
    yield from sweep("bitwise_not", torch.bitwise_not, [integers(0, 9, 4)])
    near = torch.tensor([1.0, 1.000001, 1.01, NAN, INF, -INF], dtype=F64)
    for args in ({}, {"equal_nan": True}, {"rtol": 0.1, "atol": 0.0}):
        fn = lambda x, y: torch.isclose(x, y, **args)
        # PyTorch 1.13 does not broadcast here
        yield case("isclose", fn, [near.reshape(-1, 1).expand(6, 6), near.expand(6, 6)], args, grad=False)
        yield case("allclose", lambda x, y: torch.tensor(torch.allclose(x, y, **args)), [near, near], args, grad=False)
        yield case("allclose", lambda x, y: torch.tensor(torch.allclose(x, y, **args)), [near[:3], near[:1].expand(3)], args,
                   grad=False)
    yield from sweep("isclose", torch.isclose, [integers(0, 3, 5), integers(0, 3, 5)])
    yield from sweep("allclose", lambda x, y: torch.tensor(torch.allclose(x, y)), [integers(0, 3, 5), integers(0, 3, 5)])
    yield case("equal", lambda x, y: torch.tensor(torch.equal(x, y)), [near[:3], near[:3]], grad=False)
    yield case("equal", lambda x, y: torch.tensor(torch.equal(x, y)), [near, near], grad=False)
    yield from sweep("equal", lambda x, y: torch.tensor(torch.equal(x, y)), [integers(0, 3, 5), integers(0, 3, 5)])
