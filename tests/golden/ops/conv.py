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
