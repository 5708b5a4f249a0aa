"""Cases of the operations in tests/ops/pointwise_test.cpp: see ../torch_cases.py."""

import torch

from ops.rounding import quotients
from torch_cases import F32, F64, I32, INF, NAN, U8, case, integers, randn, sweep, uniform


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
        yield from sweep(name, fn, [integers(0, 4, 3)])
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
        yield from sweep(name, fn, [integers(0, 3, 4), integers(0, 3, 4)])
        yield from sweep(name, fn, [integers(1, 3, 3), torch.tensor(2)], positions=[0])
        if name != "pow":
            yield case(name, fn, [torch.tensor([7, -7, 7, -7, 0]), torch.tensor([2, 2, -2, -2, 3])], grad=False)
            yield case(name, fn, [integers(-9, 9, 3), uniform(-3, 3, 3, dtype=F32)])
    yield case("pow", torch.pow, [torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0], dtype=F64),
                                  torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0], dtype=F64)])
    # whole powers, which wrap around
    yield case("pow", torch.pow, [torch.tensor([2, -3, 0, 3, 1, -1, -1, 2]), torch.tensor([10, 3, 0, 41, -2, -3, -2, -1])])
    yield case("pow", torch.pow, [torch.tensor([3, 2], dtype=U8), torch.tensor([5, 9], dtype=U8)])
    for s in (2, 2.5, 0):
        yield case("scalar_pow", lambda p: torch.pow(s, p), [torch.tensor([-1.5, 0.0, 2.0], dtype=F64)], {"s": s})
        yield from sweep("scalar_pow", lambda p: torch.pow(s, p), [integers(0, 4, 3)], {"s": s})
        yield from sweep("pow_scalar", lambda x: torch.pow(x, s), [integers(1, 4, 3)], {"s": s})
    yield from sweep("pow_scalar", lambda x: torch.pow(x, -1), [integers(1, 4, 3)], {"s": -1})
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
    yield from sweep("masked_fill", lambda a, m: a.masked_fill(m, 1), [integers(0, 5, 2, 3), mask], {"s": 1}, positions=[0])
    yield from sweep("where", torch.where, [condition, integers(0, 9, 3), integers(0, 9, 2, 1)], positions=[1, 2])
    yield from sweep("where", torch.where, [condition, integers(0, 9, 3), torch.tensor(1.5)], positions=[1])
    for a, b in ((1, 2.5), (1, 2)):
        yield case("where_numbers", lambda c: torch.where(c, a, b), [condition], {"a": a, "b": b})
    yield case("clamp_tensors", torch.clamp, [randn(3, 4), uniform(-1, 0.2, 4), uniform(-0.2, 1, 3, 1)])
    yield case("clamp_tensors", torch.clamp, [torch.tensor([NAN, 1.0, 5.0, -5.0, 0.0]), torch.tensor([0.0, NAN, 3.0, -1.0, 0.0]),
                                              torch.tensor([1.0, 1.0, 2.0, 1.0, 0.0])], grad=False)
    yield from sweep("clamp_tensors", torch.clamp, [integers(0, 9, 4), integers(0, 4, 4), integers(3, 9, 4)])
    yield from sweep("clamp", lambda a: torch.clamp(a, 1, 3), [integers(0, 5, 4)], {"min": 1, "max": 3})
    for name in ("clamp_min", "clamp_max"):
        fn = getattr(torch, name)
        yield case(name, fn, [randn(2, 4), randn(4)])
        yield from sweep(name, fn, [integers(0, 9, 4), integers(0, 9, 4)])
        yield case(name + "_number", lambda a: fn(a, 0.25), [randn(5)], {"s": 0.25})
    ends = torch.tensor([NAN, INF, -INF, 1.5])
    for args in ({}, {"nan": 2.5}, {"nan": -1.0, "posinf": 8.0, "neginf": -7.0}):
        yield case("nan_to_num", lambda x: torch.nan_to_num(x, **args), [ends], args)
        yield case("nan_to_num", lambda x: torch.nan_to_num(x, **args), [ends.double()], args)
    yield from sweep("nan_to_num", torch.nan_to_num, [ends])
    for weight in (0.0, 0.25, 0.5, 0.75, 1.0, -1.5, 2.0):
        yield case("lerp_scalar", lambda a, b: torch.lerp(a, b, weight), [randn(2, 3), randn(3)], {"s": weight})
    yield case("lerp", torch.lerp, [randn(2, 3), randn(3), uniform(-1, 2, 2, 1)])
    yield case("lerp", torch.lerp, [randn(5, dtype=F32), randn(5, dtype=F32), uniform(0, 1, 5, dtype=F32)])
    yield from sweep("lerp", torch.lerp, [integers(0, 5, 3), integers(0, 5, 3), integers(0, 2, 3)])
    for name in ("addcmul", "addcdiv"):
        for value in (1, -0.5):
            yield case(name, lambda x, a, b: getattr(torch, name)(x, a, b, value=value),
                       [randn(2, 3), randn(3), uniform(0.5, 2, 2, 1)], {"value": value})
        yield case(name, getattr(torch, name), [randn(5, dtype=F32), randn(5, dtype=F32), uniform(0.5, 2, 5, dtype=F32)],
                   {"value": 1})
        yield from sweep(name, lambda x, a, b: getattr(torch, name)(x, a, b, value=2),
                         [integers(0, 5, 3), integers(0, 5, 3), integers(1, 3, 3)], {"value": 2})
    yield from quotients({"div_floor": lambda x, y: torch.div(x, y, rounding_mode="floor"),
                          "div_trunc": lambda x, y: torch.div(x, y, rounding_mode="trunc")})
    for name, fn in (("add_scalar", torch.add), ("rsub_scalar", torch.rsub), ("mul_scalar", torch.mul)):
        for s in (2, 1.5):
            yield from sweep(name, lambda a: fn(a, s), [integers(0, 4, 3)], {"s": s})
