"""Cases of the operations in tests/ops/special_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, INF, NAN, case, integers, sweep, uniform

EVERYWHERE = [0.0, -0.0, 1.0, -1.0, 0.5, -0.25, 3.25, NAN, INF, -INF, 1e-30, -1e-9]
INSIDE = (-0.9, 0.9)  # of the inverse functions' domain


def cases():
    wide, positive = (-3, 3), (0.1, 4)
    domains = {"exp2": wide, "expm1": wide, "log1p": (-0.9, 4), "log2": positive, "log10": positive,
               "sin": wide, "cos": wide, "tan": (-1.4, 1.4), "asin": INSIDE, "acos": INSIDE, "atan": wide,
               "sinh": wide, "cosh": wide, "asinh": wide, "acosh": (1.2, 4), "atanh": INSIDE,
               "erf": wide, "erfc": wide, "erfinv": INSIDE, "lgamma": positive, "digamma": positive,
               "sinc": wide, "logit": (0.1, 0.9)}
    for name, domain in domains.items():
        fn = getattr(torch, name)
        # the gradient of digamma, trigamma, has ten digits in PyTorch
        yield case(name, fn, [uniform(*domain, 2, 3)], grad=name != "digamma")
        yield case(name, fn, [uniform(*domain, 5, dtype=F32)])
        yield case(name, fn, [torch.tensor(EVERYWHERE, dtype=F64)], grad=False)
        yield from sweep(name, fn, [integers(0, 4, 3)])
    for name in ("sin", "cos"):  # arguments that need care
        yield case(name, getattr(torch, name), [torch.tensor([3.141592653589793, 31.4, -1e3, 5e4, 1e10], dtype=F64)])
    for name in ("lgamma", "digamma"):
        yield case(name, getattr(torch, name), [torch.tensor([-0.5, -1.25, -7.75, 30.5, 170.5], dtype=F64)],
                   grad=name != "digamma")
    yield case("expm1", torch.expm1, [torch.tensor([1e-10, -1e-10, 50.0, -50.0, 705.0], dtype=F64)])
    yield case("log1p", torch.log1p, [torch.tensor([1e-10, -1e-10, 1e10, 1e300], dtype=F64)])
    yield case("exp2", torch.exp2, [torch.tensor([-1070.5, 1023.5, 10.0, -3.0], dtype=F64)])
    yield case("erf", torch.erf, [torch.tensor([1e-10, 0.499, 0.501, 2.0, -5.0, 7.0], dtype=F64)])
    yield case("erfc", torch.erfc, [torch.tensor([-5.0, 5.0, 12.5], dtype=F64)])
    yield case("erfinv", torch.erfinv, [torch.tensor([1e-10, 0.0999, 0.1001, 0.49, 0.51, -0.9], dtype=F64)])
    for n in (0, 2, 3, 4):
        yield case("polygamma", lambda x: torch.polygamma(n, x), [uniform(0.2, 12, 4)], {"n": n}, grad=n > 0)
    yield case("polygamma", lambda x: torch.polygamma(1, x), [torch.tensor([0.25, 3.5, -0.5, -3.25, 1e6, INF, NAN])],
               {"n": 1}, grad=False)
    yield from sweep("polygamma", lambda x: torch.polygamma(2, x), [integers(1, 4, 3)], {"n": 2})
    for eps in (0.2, 1e-6):
        yield case("logit_eps", lambda x: torch.logit(x, eps), [torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0], dtype=F64)],
                   {"eps": eps})
    points = torch.tensor([0.0, -0.0, 1.0, -2.0, INF, -INF, NAN], dtype=F64)
    for name in ("atan2", "hypot", "logaddexp", "xlogy"):
        fn = getattr(torch, name)
        low = 0.1 if name == "xlogy" else -3
        yield case(name, fn, [uniform(-3, 3, 2, 3), uniform(low, 3, 2, 3)])
        yield case(name, fn, [uniform(-3, 3, 2, 1), uniform(low, 3, 3, dtype=F32)])
        yield case(name, fn, [points.reshape(-1, 1), points], grad=False)
        yield from sweep(name, fn, [integers(1, 4, 3), integers(1, 4, 3)])
    yield case("logaddexp", torch.logaddexp, [torch.tensor([1000.0, -1000.0], dtype=F64), torch.tensor([1000.5], dtype=F64)])
    yield case("xlogy", torch.xlogy, [torch.tensor([0.0, 2.0], dtype=F64), torch.tensor([2.0, 3.0], dtype=F64)])
