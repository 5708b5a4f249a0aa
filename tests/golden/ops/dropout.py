"""Cases of the operations in tests/ops/dropout_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep

# Shapes whose channels are dropped whole.
SHAPES = {"dropout1d": ((3, 4, 2), (5, 3)), "dropout2d": ((2, 3, 2, 2), (2, 5, 3)),
          "dropout3d": ((2, 3, 1, 2, 2), (4, 2, 1, 3)), "feature_alpha_dropout": ((3, 4, 2), (4, 5), (2, 3, 2, 2))}


def seeded(fn, seed, p):
    def run(x):
        torch.manual_seed(seed)
        return fn(x, p, True)
    return run


def cases():
    for name in ("dropout", "alpha_dropout"):
        fn = getattr(F, name)
        for seed, p, x in ((0, 0.5, randn(4, 5)), (3, 0.1, randn(3, 7, dtype=F32)), (9, 0.9, randn(20)), (1, 1.0, randn(3)),
                           (1, 0.0, randn(3)), (5, 0.5, randn(0, 3)), (5, 0.3, randn()),
                           (2, 0.5, torch.tensor([NAN, INF, -INF, -0.0, 1.0, 2.0], dtype=F64))):
            yield case(name, seeded(fn, seed, p), [x], {"seed": seed, "p": p})
        yield from sweep(name, seeded(fn, 7, 0.5), [integers(0, 9, 3, 4)], {"seed": 7, "p": 0.5})
        # Row-major, whatever the order of the memory.
        yield case(name, lambda x: seeded(fn, 4, 0.5)(x.t().contiguous().t()), [randn(3, 4)],
                   {"seed": 4, "p": 0.5})
    for name, shapes in SHAPES.items():
        fn = getattr(F, name)
        for i, shape in enumerate(shapes):
            for p in (0.4, 1.0, 0.0):
                yield case(name, seeded(fn, i, p), [randn(*shape)], {"seed": i, "p": p})
            yield case(name, seeded(fn, 8, 0.25), [randn(*shape, dtype=F32)], {"seed": 8, "p": 0.25})
        yield case(name, seeded(fn, 8, 0.25), [randn(0, *shapes[0][1:])], {"seed": 8, "p": 0.25})
        yield from sweep(name, seeded(fn, 7, 0.5), [integers(0, 9, *shapes[0])], {"seed": 7, "p": 0.5})
