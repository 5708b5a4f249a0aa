"""Cases of the operations in tests/ops/pool_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, INF, NAN, case, floating_only, integers, randn, sweep

OPTIONS = [{}, {"stride": 1}, {"ceil_mode": True, "kernel": 3},
           {"ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]
SIZES = {1: [(2, 2, 6), (2, 7)], 2: [(1, 2, 6, 5), (1, 5, 7)], 3: [(1, 2, 4, 5, 4), (1, 5, 4, 4)]}


def stored(options):
    """Sizes as lists."""
    return {k: list(v) if isinstance(v, tuple) else [v] if type(v) is int and k != "divisor_override" else v
            for k, v in options.items()}


def pooling(name, dims, special):
    fn = getattr(F, name)
    many = [{"kernel": (3, 2, 2)[:dims], "stride": (2, 2, 1)[:dims], "padding": (1, 1, 1)[:dims]}]
    for o in OPTIONS + many + special:
        o = {"kernel": 2, **o}
        kernel, rest = o["kernel"], {k: v for k, v in o.items() if k != "kernel"}
        for sizes, dtype in zip(SIZES[dims], (torch.float64, F32)):
            yield case(name, lambda x: fn(x, kernel, **rest), [randn(*sizes, dtype=dtype)], stored(o))
    ties = torch.tensor([[[1.0, NAN, 5.0, 5.0], [-INF, 2.0, 5.0, 5.0]]])
    ties = {1: ties[0], 2: ties, 3: ties.reshape(1, 1, 2, 4).repeat(1, 2, 1, 1)}[dims]
    for x in (ties, torch.full((1, *[2] * dims), -INF), randn(0, 2, *[4] * dims)):
        # PyTorch's max_pool1d takes no empty batch; its values in 2-d are the same.
        if not (name.startswith("max_pool1d") and x.numel() == 0):
            yield case(name, lambda x: fn(x, 2), [x], {"kernel": [2]})
    yield from sweep(name, floating_only(lambda x: fn(x, 2)), [integers(0, 9, 1, *[4] * (dims - 1), 3)], {"kernel": [2]})


def cases():
    for dims in (1, 2, 3):
        dilated = [{"dilation": 2, "kernel": 2, "stride": 1},
                   {"dilation": (1, 2, 1)[-dims:], "kernel": 3, "padding": 1, "ceil_mode": True}]
        yield from pooling(f"max_pool{dims}d", dims, dilated)
        yield from pooling(f"max_pool{dims}d_with_indices", dims, dilated)
        shares = [{"count_include_pad": False, "kernel": 3, "padding": 1, "stride": 2},
                  {"count_include_pad": False, "ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]
        if dims > 1:
            shares += [{"divisor_override": 3}, {"divisor_override": -5, "kernel": 3, "padding": 1}]
        yield from pooling(f"avg_pool{dims}d", dims, shares)
        yield from norms(dims)


def lp_pool3d(x, p, kernel, stride=None, ceil_mode=False):
    """New in PyTorch 2.3: the formula of the other two."""
    y = F.avg_pool3d(x.pow(p), kernel, stride, 0, ceil_mode)
    size = kernel ** 3 if isinstance(kernel, int) else torch.Size(kernel).numel()
    return (torch.sign(y) * F.relu(torch.abs(y))).mul(size).pow(1.0 / p)


def norms(dims):
    name = f"lp_pool{dims}d"
    fn = lp_pool3d if dims == 3 else getattr(F, name)
    # PyTorch's lp_pool1d takes no tuple for a kernel.
    options = [{"norm": 2.0}, {"norm": 3.0, "stride": 1}, {"norm": 1.5, "kernel": 3, "ceil_mode": True}]
    options += [{"norm": 2.0, "kernel": (3, 2, 1)[:dims]}] if dims > 1 else []
    for o in options:
        o = {"kernel": 2, **o}
        rest = {k: v for k, v in o.items() if k not in ("kernel", "norm")}
        for sizes, dtype in zip(SIZES[dims], (torch.float64, F32)):
            yield case(name, lambda x: fn(x, o["norm"], o["kernel"], **rest), [randn(*sizes, dtype=dtype).abs() + 0.125],
                       stored(o))
    yield from sweep(name, floating_only(lambda x: fn(x, 2.0, 2)), [integers(1, 9, 1, *[4] * (dims - 1), 3)],
                     {"kernel": [2], "norm": 2.0})
