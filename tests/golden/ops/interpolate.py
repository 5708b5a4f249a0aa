"""Cases of the operations in tests/ops/interpolate_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, case, floating_only, integers, pack, randn, sweep

SHAPES = {1: (1, 2, 5), 2: (1, 1, 4, 5), 3: (1, 1, 2, 3, 4)}
SIZES = {1: [3, 8], 2: [(2, 7), (8, 3), 4], 3: [(3, 2, 5)]}
SCALES = {1: [0.6, 2.0], 2: [(0.5, 1.7), 2.0], 3: [(1.5, 0.7, 2.0)]}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def one(x, dtype=F64, **options):
    args = {k: v for k, v in options.items() if k not in ("size", "scale_factor")}
    args["mode"] = options.get("mode", "nearest").replace("-", "_")
    if "size" in options:
        args["size"] = list(options["size"]) if isinstance(options["size"], tuple) else [options["size"]]
    else:
        s = options["scale_factor"]
        args["scale_factor"] = pack(torch.tensor(s if isinstance(s, tuple) else (s,), dtype=F64))
    return case("interpolate", lambda x: F.interpolate(x, **options), [x.to(dtype)], args)


def cases():
    for dims in (1, 2, 3):
        x = lambda: randn(*SHAPES[dims])
        for mode in ("nearest", "nearest-exact", "area", LINEAR[dims]) + (("bicubic",) if dims == 2 else ()):
            targets = [{"size": s} for s in SIZES[dims]] + [{"scale_factor": s} for s in SCALES[dims]]
            for target in targets:
                yield one(x(), mode=mode, **target)
                if mode in (LINEAR[dims], "bicubic"):
                    yield one(x(), mode=mode, align_corners=True, **target)
            yield one(x(), F32, mode=mode, **targets[-1])
            yield one(x(), mode=mode, recompute_scale_factor=True, **targets[-1])
    for mode in ("bilinear", "bicubic"):
        for target in ({"size": (2, 3)}, {"size": (7, 2)}, {"size": (9, 8)}, {"scale_factor": 0.4}):
            yield one(randn(1, 1, 6, 7), mode=mode, antialias=True, **target)
        yield one(randn(1, 1, 6, 7), mode=mode, antialias=True, align_corners=True, size=(3, 4))
        yield one(randn(1, 1, 1, 4), mode=mode, size=(3, 1))
        yield one(randn(1, 1, 1, 4), mode=mode, size=(3, 1), align_corners=True)
    yield one(randn(0, 2, 3, 3), size=5)
    yield from sweep("interpolate", floating_only(lambda x: F.interpolate(x, 5, mode="linear")), [integers(0, 9, 1, 1, 3)],
                     {"mode": "linear", "size": [5]})
    yield from sweep("interpolate", lambda x: F.interpolate(x, 5), [integers(0, 9, 1, 1, 3)], {"mode": "nearest", "size": [5]})
