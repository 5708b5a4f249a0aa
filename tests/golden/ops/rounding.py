"""Cases of the operations in tests/ops/rounding_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, I32, INF, NAN, case, integers, randn, sweep, uniform

SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 2.0, -2.75, 0.49999999999999994, 1e300, 4503599627370497.5, NAN, INF, -INF]


def cases():
    for name in ("floor", "ceil", "round", "trunc", "frac"):
        fn = getattr(torch, name)
        yield case(name, fn, [randn(2, 3) * 3])
        yield case(name, fn, [randn(5, dtype=F32) * 3])
        yield case(name, fn, [torch.tensor(SPECIAL, dtype=F64)])
        yield from sweep(name, fn, [integers(0, 5, 3)])
    for decimals in (2, 1, -1, -2):
        yield case("round_decimals", lambda x: torch.round(x, decimals=decimals), [randn(2, 3) * 100],
                   {"decimals": decimals})
    yield from quotients({"remainder": torch.remainder, "fmod": torch.fmod, "floor_divide": torch.floor_divide})
    for s in (7, 2.5):
        yield case("remainder_of_scalar", lambda x: torch.remainder(s, x), [uniform(0.5, 3, 3)], {"s": s}, grad=False)
        yield case("remainder_of_scalar", lambda x: torch.remainder(s, x), [integers(1, 5, 3)], {"s": s}, grad=False)


def quotients(ops):
    """Cases of divisions that are rounded, and of what is left."""
    a = torch.tensor([0.0, -0.0, 1.0, -1.0, 5.5, -5.5, 0.3, NAN, INF, -INF], dtype=F64)
    b = torch.tensor([2.0, -2.0, 0.1, -0.7, 0.0, NAN, INF, -INF], dtype=F64)
    whole = [torch.tensor([7, -7, 7, -7, 0, 2**62]), torch.tensor([2, 2, -2, -2, 3, -1])]
    for name, fn in ops.items():
        grad = name != "floor_divide"  # which PyTorch does not differentiate
        yield case(name, fn, [uniform(-9, 9, 2, 3), uniform(0.5, 3, 2, 3)], grad=grad)
        yield case(name, fn, [uniform(-9, 9, 2, 1), uniform(-3, -0.5, 4)], grad=grad)
        yield case(name, fn, [uniform(-9, 9, 5, dtype=F32), uniform(0.5, 3, 5, dtype=F32)], grad=grad)
        yield case(name, fn, [a.reshape(-1, 1), b], grad=False)
        yield case(name, fn, whole, grad=False)
        yield case(name, fn, [integers(-9, 9, 4, dtype=I32), uniform(0.5, 3, 4, dtype=F32)], grad=False)
        yield from sweep(name, fn, [integers(1, 9, 4), integers(1, 4, 4)])
        for s in (2.5, -3):
            yield case(name + "_scalar", lambda x: fn(x, s), [uniform(-9, 9, 4)], {"s": s}, grad=grad)
            yield case(name + "_scalar", lambda x: fn(x, s), [integers(-9, 9, 4)], {"s": s}, grad=False)
