"""Cases of the operations in tests/ops/creation_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import DTYPES, case, integers, number, randn, sweep


def over_dtypes(op, fn, args):
    """A case for each dtype of the result, which PyTorch may refuse."""
    for name, dtype in DTYPES.items():
        given = {**args, "dtype": name}
        try:
            entry = case(op, lambda: fn(dtype), [], given, grad=False)
        except RuntimeError:
            entry = {"op": op, "args": given, "in": [], "refused": True}
        yield {**entry, "sweep": name}


def cases():
    for sizes in ([], [3], [2, 0, 3], [1, 2, 1, 2, 1, 1, 2, 1]):
        for op in ("zeros", "ones"):
            yield case(op, lambda: getattr(torch, op)(sizes), [], {"sizes": sizes})
        for value in (2.5, -1, float("nan"), float("inf")):
            yield case("full", lambda: torch.full(sizes, value, dtype=torch.float32), [], {"sizes": sizes, "value": number(value)})
    for op in ("zeros", "ones"):
        yield from over_dtypes(op, lambda dtype: getattr(torch, op)([2, 3], dtype=dtype), {"sizes": [2, 3]})
    for value in (3, 2.75, 0.1):
        yield from over_dtypes("full", lambda dtype: torch.full([2], value, dtype=dtype), {"sizes": [2], "value": value})

    x = torch.cat([randn(2, 3), integers(-5, 5, 1, 3)])
    for like, args in (("zeros_like", ()), ("ones_like", ()), ("full_like", (3,))):
        fn = getattr(torch, like)
        given = {"value": args[0]} if args else {}
        yield from sweep(like, lambda x: fn(x, *args), [x.abs()], given)
        for shape in ((), (0, 2), (1,)):
            yield case(like, lambda x: fn(x, *args), [randn(*shape)], given, grad=False)
        for name, dtype in DTYPES.items():
            yield case(like, lambda x: fn(x, *args, dtype=dtype), [x], {**given, "dtype": name}, grad=False)

    for first, last, step in ((0, 5, 1), (2, 11, 3), (5, 0, -2), (0.0, 1.0, 0.1), (1, 2, 0.25), (3, 3, 1),
                              (2**53, 2**53 + 4, 1), (-1.5, 1.5, 0.5)):
        yield case("arange", lambda: torch.arange(first, last, step), [], {"first": first, "last": last, "step": step})
    for first, last, step in ((0, 6, 2), (0.5, 3.0, 0.75), (5, -1, -2)):
        yield from over_dtypes("arange", lambda dtype: torch.arange(first, last, step, dtype=dtype),
                               {"first": first, "last": last, "step": step})

    for first, last, steps in ((0, 1, 5), (-2.5, 7, 4), (3, 3, 2), (1, 9, 1), (0, 1, 0), (1, -1, 101), (1e-3, 1e3, 7)):
        args = {"first": first, "last": last, "steps": steps}
        yield case("linspace", lambda: torch.linspace(first, last, steps), [], args)
        yield case("linspace", lambda: torch.linspace(first, last, steps, dtype=torch.float64), [], {**args, "dtype": "f64"})
    for first, last, steps, base in ((0, 2, 3, 10.0), (-1, 1, 5, 10.0), (0, 8, 9, 2.0), (2, 2, 1, 10.0), (0, 1, 0, 10.0),
                                     (0, 3, 4, 0.5)):
        args = {"first": first, "last": last, "steps": steps, "base": base}
        yield case("logspace", lambda: torch.logspace(first, last, steps, base), [], args)
        yield case("logspace", lambda: torch.logspace(first, last, steps, base, dtype=torch.float64), [],
                   {**args, "dtype": "f64"})
    yield from over_dtypes("linspace", lambda dtype: torch.linspace(0, 10, 6, dtype=dtype), {"first": 0, "last": 10, "steps": 6})
    yield from over_dtypes("linspace", lambda dtype: torch.linspace(0, 7, 5, dtype=dtype), {"first": 0, "last": 7, "steps": 5})
    yield from over_dtypes("logspace", lambda dtype: torch.logspace(0, 6, 7, 2.0, dtype=dtype),
                           {"first": 0, "last": 6, "steps": 7, "base": 2.0})

    for n, m in ((3, 3), (2, 4), (4, 2), (0, 0), (0, 3), (1, 1)):
        yield case("eye", lambda: torch.eye(n, m), [], {"n": n, "m": m})
    yield case("eye", lambda: torch.eye(3), [], {"n": 3})
    yield from over_dtypes("eye", lambda dtype: torch.eye(2, 3, dtype=dtype), {"n": 2, "m": 3})

    # conversions
    values = torch.cat([randn(5), integers(0, 100, 5).double()]).reshape(2, 5)
    for name, dtype in DTYPES.items():
        # what a negative float becomes as u8 is up to the machine
        yield from sweep("to", lambda x: x.to(dtype), [values.abs()], {"dtype": name})
        yield case("to", lambda x: x.to(dtype), [values.abs()], {"dtype": name})
    for source in ("f32", "bf16", "f16"):
        yield case("to", lambda x: x.to(torch.float64), [randn(2, 3).to(DTYPES[source])], {"dtype": "f64"})
    for op in ("clone", "contiguous"):
        yield from sweep(op, lambda x: getattr(x, op)(), [values])
        for shape in ((2, 3), (), (0, 2), (1,), (2, 1, 3)):
            yield case(op, lambda x: getattr(x, op)(), [randn(*shape)])
