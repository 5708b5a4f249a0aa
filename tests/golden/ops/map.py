"""Cases of the functions that tests/ops/map_test.cpp gives to mica::map: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, randn, sweep, uniform

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.25, NAN, INF, -INF, 1e-30, 700.0, -700.0]


def cases():
    # of one element, on ranges where they and their derivatives are finite
    for name, fn, low, high in [
            ("abs", torch.abs, -3, 3), ("sign", torch.sign, -3, 3), ("square", torch.square, -3, 3),
            ("reciprocal", torch.reciprocal, 0.2, 3), ("sqrt", torch.sqrt, 0.1, 3), ("rsqrt", torch.rsqrt, 0.1, 3),
            ("exp", torch.exp, -3, 3), ("expm1", torch.expm1, -3, 3), ("log", torch.log, 0.1, 3),
            ("log1p", torch.log1p, -0.9, 3), ("sin", torch.sin, -9, 9), ("cos", torch.cos, -9, 9),
            ("erf", torch.erf, -3, 3), ("floor", torch.floor, -3, 3), ("ceil", torch.ceil, -3, 3),
            ("round", torch.round, -3, 3), ("trunc", torch.trunc, -3, 3), ("relu", F.relu, -3, 3),
            ("sigmoid", torch.sigmoid, -9, 9), ("tanh", torch.tanh, -4, 4), ("gelu", F.gelu, -4, 4),
            ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), -4, 4),
            ("powers", lambda x: x**0 + x**1 + x**2 + x**3 + x**-1 + x**0.5 + x**2.5, 0.2, 3),
            ("clamp", lambda x: torch.clamp(x, -0.5, 1.25), -3, 3)]:
        yield case(name, fn, [uniform(low, high, 3, 5)])
        yield case(name, fn, [uniform(low, high, 7, dtype=F32)])
        yield case(name, fn, [torch.tensor(SPECIAL, dtype=F64)], grad=False)
    yield case("clamp", lambda x: torch.clamp(x, -0.5, 1.25), [torch.tensor([-0.5, 1.25, 2.0], dtype=F64)])
    yield case("relu", F.relu, [torch.tensor([0.0, -0.0, NAN], dtype=F64)])
    yield case("abs", torch.abs, [torch.tensor([0.0, -0.0, NAN], dtype=F64)])

    # of two elements, broadcast
    special = torch.tensor(SPECIAL, dtype=F64)
    for name in ("maximum", "minimum", "pow"):
        fn = getattr(torch, name)
        yield case(name, fn, [uniform(0.1, 3, 2, 1, 3), uniform(-2, 3, 4, 1)])
        yield case(name, fn, [special.reshape(-1, 1), special], grad=name != "pow")
    yield case("pow", torch.pow, [torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0], dtype=F64),
                                  torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0], dtype=F64)])

    # what people write
    def piecewise(a, b):
        return torch.where((a > b) & (b != 0) | torch.isnan(a), a * b, torch.exp(-torch.abs(a)))

    functions = {"gated": (2, lambda a, b: a * torch.sigmoid(b)),
                 "quick_gelu": (1, lambda x: x * torch.sigmoid(1.702 * x)),
                 "affine": (3, lambda a, b, c: torch.tanh(a * b + c)),
                 "quotient": (4, lambda a, b, c, d: (a * b - c) / (1 + d * d)),
                 "piecewise": (2, piecewise)}
    for name, (count, fn) in functions.items():
        yield case(name, fn, [randn(3, 4) for _ in range(count)])
        yield case(name, fn, [randn(9, dtype=F32) for _ in range(count)])
        yield case(name, fn, [randn() for _ in range(count)])
        yield case(name, fn, [randn(0, 2) for _ in range(count)])
        yield case(name, fn, [randn(*sizes) for sizes in [(2, 1, 3), (4, 1), (3,), ()][:count]])
    for alpha in (0.5, -2.0):
        yield case("scaled", lambda a, b, s=alpha: a + b * s, [randn(5), randn(5, dtype=F32)], {"alpha": alpha})
    yield case("scaled", lambda a, b: a + b * 0.5, [randn(3, dtype=F32), randn()], {"alpha": 0.5})  # f64 of 0-d
    yield from sweep("scaled", lambda a, b: a + b * 0.5, [uniform(0, 9, 6), uniform(0, 9, 2, 1)], {"alpha": 0.5})
