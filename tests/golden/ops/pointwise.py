"""Cases of the operations in tests/ops/pointwise_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, I32, INF, NAN, case, integers, randn, uniform


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.25, NAN, INF, -INF, 1e-30, 700.0, -700.0]


def cases():
    unary = {"neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "square": torch.square,
             "reciprocal": torch.reciprocal, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
             "rsqrt": torch.rsqrt}
    for name, fn in unary.items():
        yield case(name, fn, [uniform(0.1, 3, 2, 3)])
        yield case(name, fn, [uniform(0.1, 3, 7, dtype=F32)])
        yield case(name, fn, [torch.tensor(SPECIAL, dtype=F64)])
        if name != "square":  # an f32 cannot be compared bit by bit at its limits, the sign of zero can
            yield case(name, fn, [integers(1, 9, 4)], grad=False)
    for name in ("add", "sub", "mul", "div", "pow", "maximum", "minimum"):
        fn = getattr(torch, name)
        low = 0.1 if name == "pow" else -3
        yield case(name, fn, [uniform(low, 3, 2, 3), uniform(-3, 3, 2, 3)])
        yield case(name, fn, [uniform(low, 3, 2, 1, 3), uniform(-3, 3, 4, 1)])
        yield case(name, fn, [uniform(low, 3, 5, dtype=F32), uniform(-3, 3, 5, dtype=F32)])
        yield case(name, fn, [uniform(low, 3, 3), uniform(-3, 3)])
        yield case(name, fn, [uniform(low, 3, 0, 3), uniform(-3, 3, 3)])
        # every pair of special values
        a = torch.tensor(SPECIAL, dtype=F64)
        yield case(name, fn, [a.reshape(-1, 1), a], grad=name not in ("pow", "div"))
        if name != "pow":
            yield case(name, fn, [torch.tensor([7, -7, 7, -7, 0]), torch.tensor([2, 2, -2, -2, 3])], grad=False)
            yield case(name, fn, [integers(-9, 9, 3), uniform(-3, 3, 3, dtype=F32)])
    yield case("pow", torch.pow, [torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0], dtype=F64),
                                  torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0], dtype=F64)])
    for name in ("maximum", "minimum"):  # ties
        yield case(name, getattr(torch, name), [torch.tensor([1.0, 2.0, 3.0], dtype=F64),
                                                torch.tensor([1.0, 3.0, 2.0], dtype=F64)])
    for alpha in (0.5, -2):
        yield case("add_alpha", lambda a, b: torch.add(a, b, alpha=alpha), [randn(3), randn(2, 3)], {"alpha": alpha})
    for s in (2.5, -3):
        yield case("add_scalar", lambda a: a + s, [randn(3)], {"s": s})
        yield case("sub_scalar", lambda a: a - s, [randn(3)], {"s": s})
        yield case("rsub_scalar", lambda a: s - a, [randn(3)], {"s": s})
        yield case("mul_scalar", lambda a: a * s, [randn(3)], {"s": s})
        yield case("div_scalar", lambda a: a / s, [randn(3)], {"s": s})
        yield case("rdiv_scalar", lambda a: s / a, [uniform(0.2, 2, 3)], {"s": s})
        yield case("pow_scalar", lambda a: a**s, [uniform(0.2, 2, 3)], {"s": s})
        yield case("add_scalar", lambda a: a + s, [integers(-5, 5, 3)], {"s": s}, grad=False)
        yield case("mul_scalar", lambda a: a * s, [integers(0, 5, 3, dtype=I32)], {"s": s}, grad=False)
        yield case("div_scalar", lambda a: a / s, [integers(-5, 5, 3)], {"s": s}, grad=False)
    for s in (0, 1, 2, 3, 0.5):
        yield case("pow_scalar", lambda a: a**s, [torch.tensor([0.0, 1.0, 2.0], dtype=F64)], {"s": s})
    for low, high in ((-0.5, 0.75), (None, 0.5), (0.0, None), (1.0, -1.0)):
        args = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
        yield case("clamp", lambda a: torch.clamp(a, low, high), [randn(2, 4)], args)
        yield case("clamp", lambda a: torch.clamp(a, low, high), [torch.tensor([NAN, INF, -INF, 0.5, 0.75])], args)
    yield case("clamp", lambda a: torch.clamp(a, -2, 3), [integers(-9, 9, 6)], {"min": -2, "max": 3}, grad=False)
    condition = torch.tensor([[True], [False]])
    yield case("where", torch.where, [condition, randn(3), randn(2, 1)])
    yield case("where", torch.where, [condition, randn(3), randn(2, 1, dtype=F32)])
    yield case("where", torch.where, [condition, integers(0, 9, 3), randn(2, 1, dtype=F32)])
    mask = torch.tensor([True, False, True])
    yield case("masked_fill", lambda a, m: a.masked_fill(m, -INF), [randn(2, 3), mask], {"s": "-inf"})
    yield case("masked_fill", lambda a, m: a.masked_fill(m, 7), [integers(0, 5, 2, 3), mask], {"s": 7})
