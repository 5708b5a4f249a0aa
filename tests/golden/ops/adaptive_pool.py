"""Cases of the operations in tests/ops/adaptive_pool_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, floating_only, integers, randn, sweep

SIZES = {1: [(2, 2, 7), (2, 5)], 2: [(1, 2, 5, 7), (2, 4, 3)], 3: [(1, 2, 3, 5, 4), (1, 4, 2, 3)]}
OUTPUTS = {1: [1, 3, 9], 2: [1, (3, 4), (None, 2), (7, 9)], 3: [2, (2, None, 3), (4, 1, 5)]}


def pooling(name, dims, fn):
    for size in OUTPUTS[dims]:
        args = {"size": [-1 if n is None else n for n in size] if isinstance(size, tuple) else [size]}
        for shape, dtype in zip(SIZES[dims], (F64, F32)):
            yield case(name, lambda x: fn(x, size), [randn(*shape, dtype=dtype)], args)
    # Not the first of them all, which adaptive_max_pool1d of PyTorch refuses.
    yield case(name, lambda x: fn(x, 2), [randn(0, 2, *[3] * dims)] if dims > 1 else [randn(1, 2, 3)], {"size": [2]})
    yield from sweep(name, floating_only(lambda x: fn(x, 2)), [integers(0, 9, 1, *[3] * dims)], {"size": [2]})


def cases():
    for dims in (1, 2, 3):
        yield from pooling(f"adaptive_avg_pool{dims}d", dims, getattr(F, f"adaptive_avg_pool{dims}d"))
        largest = getattr(F, f"adaptive_max_pool{dims}d")
        yield from pooling(f"adaptive_max_pool{dims}d", dims, largest)
        yield from pooling(f"adaptive_max_pool{dims}d_with_indices", dims, lambda x, size: largest(x, size, True))
    name = "adaptive_max_pool2d_with_indices"
    ties = torch.tensor([[[1.0, 5.0, 5.0, 2.0, 2.0], [-INF, 5.0, 5.0, NAN, 2.0], [-INF, -INF, 3.0, 2.0, 2.0]]], dtype=F64)
    for size in ((1, 2), (2, 3), (3, 5)):
        yield case(name, lambda x: F.adaptive_max_pool2d(x, size, True), [ties], {"size": list(size)})
