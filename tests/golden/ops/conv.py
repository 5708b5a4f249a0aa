"""Cases of the operations in tests/ops/conv_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, floating_only, integers, randn, sweep


def cases():
    cases = [((2, 3, 4, 5), (2, 3, 3, 2), {}), ((2, 2, 4, 3), (3, 2, 3, 3), {"stride": (2, 1), "padding": (1, 2)}),
             ((1, 2, 6, 5), (2, 2, 3, 3), {"dilation": (2, 1), "padding": 1}),
             ((2, 4, 3, 4), (4, 2, 2, 3), {"groups": 2}), ((1, 3, 4, 4), (3, 1, 2, 2), {"groups": 3, "stride": 2}),
             ((2, 4, 3), (2, 2, 3, 3), {"padding": 1}), ((0, 2, 3, 3), (2, 2, 3, 3), {}),
             ((2, 2, 2, 3), (3, 2, 1, 1), {})]
    for dtype in (F64, F32):
        for x, w, options in cases if dtype == F64 else cases[1:4] + cases[6:]:
            args = {k: list(v) if isinstance(v, tuple) else [v, v] for k, v in options.items() if k != "groups"}
            args["groups"] = options.get("groups", 1)
            run = lambda x, w, b: F.conv2d(x, w, b, **options)
            yield case("conv2d", run, [randn(*x, dtype=dtype), randn(*w, dtype=dtype), randn(w[0], dtype=dtype)], args)
            yield case("conv2d", run, [randn(*x, dtype=dtype), randn(*w, dtype=dtype), None], args)
    special = torch.tensor([[[[0.5, NAN, 1.0], [INF, 2.0, -1.0], [0.25, -0.0, -INF]]]], dtype=F64)
    for x in (special, special.to(F32)):
        yield case("conv2d", F.conv2d, [x, torch.ones(1, 1, 2, 2, dtype=x.dtype), None], {"groups": 1}, grad=False)
    small = [integers(0, 3, 1, 2, 3, 3), integers(0, 3, 2, 2, 2, 2), integers(0, 3, 2)]
    for positions in (None, [0], [1], [2]):
        inputs = small if positions is None else [x.to(F32) for x in small]
        yield from sweep("conv2d", floating_only(F.conv2d), inputs, {"groups": 1}, positions=positions)

    yield from conv_cases(1)
    yield from conv_cases(3)
    for dims in (1, 2, 3):
        yield from transposed_cases(dims)
        yield from same_cases(dims)


def run_case(op, fn, x, w, out, options, dtypes=(F64,)):
    """With and without a bias; sizes are stored as lists."""
    args = {k: list(v) if isinstance(v, tuple) else [v] if type(v) is int and k != "groups" else v
            for k, v in options.items()}
    args.setdefault("groups", 1)
    run = lambda x, w, b: fn(x, w, b, **options)
    for dtype in dtypes:
        yield case(op, run, [randn(*x, dtype=dtype), randn(*w, dtype=dtype), randn(out, dtype=dtype)], args)
    yield case(op, run, [randn(*x), randn(*w), None], args)


def small_sweep(op, fn, dims):
    small = [integers(0, 3, 1, 2, *[3] * dims), integers(0, 3, 2, 2, *[2] * dims), integers(0, 3, 2)]
    for positions in (None, [0]):
        inputs = small if positions is None else [x.to(F32) for x in small]
        yield from sweep(op, floating_only(fn), inputs, {"groups": 1}, positions=positions)


def conv_cases(dims):
    fn, op = getattr(F, f"conv{dims}d"), f"conv{dims}d"
    cases = {1: [((2, 3, 7), (2, 3, 3), {}), ((2, 2, 6), (3, 2, 3), {"stride": 2, "padding": 1}),
                 ((1, 2, 8), (2, 2, 3), {"dilation": 2, "padding": 3}), ((2, 4, 5), (4, 2, 2), {"groups": 2}),
                 ((2, 5), (3, 2, 3), {"padding": 1}), ((0, 2, 5), (2, 2, 3), {}), ((2, 2, 4), (3, 2, 1), {})],
             3: [((2, 2, 3, 4, 3), (2, 2, 2, 3, 2), {}),
                 ((1, 2, 4, 3, 4), (3, 2, 3, 2, 3), {"stride": (2, 1, 2), "padding": (1, 0, 2)}),
                 ((1, 1, 4, 4, 3), (2, 1, 2, 2, 2), {"dilation": (2, 1, 2), "padding": 1}),
                 ((1, 4, 2, 3, 2), (4, 2, 2, 1, 2), {"groups": 2}), ((2, 3, 2, 3), (1, 2, 2, 2, 2), {"padding": 1}),
                 ((0, 2, 2, 2, 2), (2, 2, 2, 2, 2), {})]}[dims]
    for x, w, options in cases:
        yield from run_case(op, fn, x, w, w[0], options, (F64, F32))
    yield from small_sweep(op, fn, dims)


def transposed_cases(dims):
    fn, op = getattr(F, f"conv_transpose{dims}d"), f"conv_transpose{dims}d"
    cases = {1: [((2, 3, 5), (3, 2, 3), {}), ((2, 2, 4), (2, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
                 ((1, 4, 4), (4, 3, 2), {"groups": 2, "dilation": 2}), ((2, 5), (2, 3, 3), {"padding": 1}),
                 ((0, 2, 5), (2, 2, 3), {})],
             2: [((2, 3, 3, 2), (3, 2, 2, 3), {}),
                 ((1, 2, 3, 4), (2, 3, 3, 2), {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2)}),
                 ((1, 2, 3, 3), (2, 1, 2, 2), {"dilation": 2, "output_padding": (0, 1)}),
                 ((1, 4, 3, 2), (4, 2, 2, 2), {"groups": 2, "stride": 2}), ((2, 3, 3), (2, 3, 3, 3), {"padding": 1}),
                 ((0, 2, 3, 3), (2, 2, 2, 2), {})],
             3: [((1, 2, 2, 3, 2), (2, 2, 2, 2, 3), {}),
                 ((1, 2, 2, 2, 3), (2, 1, 3, 2, 2), {"stride": (2, 1, 2), "padding": (1, 0, 1), "output_padding": (1, 0, 1)}),
                 ((1, 4, 2, 2, 2), (4, 1, 2, 1, 2), {"groups": 2, "dilation": (1, 1, 2)}),
                 ((2, 2, 2, 2), (2, 1, 2, 2, 2), {}), ((0, 2, 2, 2, 2), (2, 2, 2, 2, 2), {})]}[dims]
    for x, w, options in cases:
        yield from run_case(op, fn, x, w, w[1] * options.get("groups", 1), options, (F64, F32))
    yield from small_sweep(op, fn, dims)


def same_cases(dims):
    fn, op = getattr(F, f"conv{dims}d"), f"conv{dims}d"
    size = [5, 4, 3][:dims]
    for kernel, dilation in (([3] * dims, 1), ([2, 3, 2][:dims], 1), ([3, 2, 2][:dims], 2)):
        x, w = (1, 2, *size), (2, 2, *kernel)
        yield from run_case(op, fn, x, w, 2, {"padding": "same", "dilation": dilation})
    yield from run_case(op, fn, (1, 2, *size), (2, 2, *[2] * dims), 2, {"padding": "valid"})
