"""Cases of the operations in tests/ops/pool_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, INF, NAN, case, floating_only, integers, randn, sweep


def cases():
    options = [{}, {"stride": 1}, {"stride": 2, "padding": 1, "kernel": (3, 2)}, {"ceil_mode": True, "kernel": 3},
               {"ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]
    more = {"max_pool2d": [{"dilation": 2, "kernel": 2, "stride": 1}, {"dilation": (1, 2), "kernel": 3, "padding": 1}],
            "avg_pool2d": [{"count_include_pad": False, "kernel": 3, "padding": 1, "stride": 2},
                           {"divisor_override": 3},
                           {"count_include_pad": False, "ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]}
    as_list = lambda v: list(v) if isinstance(v, tuple) else [v, v] if type(v) is int else v
    for name, special in more.items():
        for o in options + special:
            o = {"kernel": 2, **o}
            args = {k: v if k == "divisor_override" else as_list(v) for k, v in o.items()}
            kernel, rest = o["kernel"], {k: v for k, v in o.items() if k != "kernel"}
            fn = lambda x: getattr(F, name)(x, kernel, **rest)
            for x in (randn(1, 2, 6, 5), randn(1, 5, 7, dtype=F32)):
                yield case(name, fn, [x], args)
        yield case(name, lambda x: getattr(F, name)(x, 2), [torch.tensor([[[1.0, NAN, 5.0, 5.0], [-INF, 2.0, 5.0, 5.0]]])],
                   {"kernel": [2, 2]})
        for x in (randn(0, 2, 4, 4), torch.full((1, 2, 2), -INF)):
            yield case(name, lambda x: getattr(F, name)(x, 2), [x], {"kernel": [2, 2]})
        yield from sweep(name, floating_only(lambda x: getattr(F, name)(x, 2)), [integers(0, 9, 1, 4, 3)],
                         {"kernel": [2, 2]})
