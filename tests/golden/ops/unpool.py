"""Cases of the operations in tests/ops/unpool_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, case, integers, randn, sweep


def cases():
    for dims, shape in ((1, (2, 2, 7)), (2, (1, 2, 5, 6)), (3, (1, 2, 4, 2, 6))):
        name, unpool, pool = f"max_unpool{dims}d", getattr(F, f"max_unpool{dims}d"), getattr(F, f"max_pool{dims}d")
        for options, size in (({"kernel_size": 2}, None), ({"kernel_size": 3, "stride": 2, "padding": 1}, shape[2:]),
                              ({"kernel_size": 2}, shape[2:]), ({"kernel_size": 2}, shape)):
            for unbatched, dtype in ((False, F64), (True, F32)):
                x = randn(*(shape[1:] if unbatched else shape), dtype=dtype)
                indices = pool(x, return_indices=True, **options)[1]
                if unbatched and size == shape:
                    continue  # new in PyTorch 2: the channels may come before
                args = {k: [v] for k, v in options.items()} | ({"output_size": list(size)} if size else {})
                values = randn(*indices.shape, dtype=dtype)
                yield case(name, lambda x, i: unpool(x, i, output_size=size, **options), [values, indices], args)
        # Windows that overlap pick a place several times.
        x = torch.arange(5.0 ** dims, dtype=F64).reshape(1, 1, *[5] * dims).flip(2)
        indices = pool(x, 3, stride=2, padding=1, return_indices=True)[1]
        yield case(name, lambda x, i: unpool(x, i, 3, 2, 1), [torch.full(indices.shape, 2.0, dtype=F64), indices],
                   {"kernel_size": [3], "stride": [2], "padding": [1]})
        yield from sweep(name, lambda x, i: unpool(x, i, 2), [integers(0, 9, 1, *[2] * dims),
                                                             torch.arange(2 ** dims).reshape(1, *[2] * dims)],
                         {"kernel_size": [2]}, positions=[0])
