"""Cases of the operations in tests/ops/sigmoidal_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep


def cases():
    for name in ("silu", "mish", "hardsigmoid", "hardswish", "logsigmoid", "softsign", "tanhshrink"):
        fn = getattr(F, name)
        exact = name != "hardsigmoid"  # whose gradient PyTorch multiplies by an f32 1/6
        yield case(name, fn, [randn(3, 4) * 3], grad=exact)
        yield case(name, fn, [torch.tensor([0.0, 0.5, -0.5, 20.0, -20.0, 90.0, -90.0, 800.0, -800.0], dtype=F64)],
                   grad=exact)
        yield case(name, fn, [torch.tensor([NAN, INF], dtype=F64)], grad=False)
        if name not in ("silu", "mish", "hardswish"):  # whose value at -inf is a matter of taste
            yield case(name, fn, [torch.tensor([-INF], dtype=F64)], grad=False)
        yield case(name, fn, [torch.tensor([-3.0, 3.0], dtype=F64)], grad=name != "hardswish")  # changed since 1.13
        yield case(name, fn, [randn(9, dtype=F32) * 4])
        yield case(name, fn, [randn()], grad=exact)
        yield case(name, fn, [randn(0, 2)])
        yield from sweep(name, fn, [integers(-5, 5, 6)])
    for dim, shape in ((-1, (2, 4)), (0, (4, 3)), (1, (2, 6, 2)), (-2, (2, 2, 1)), (0, (0, 3))):
        yield case("glu", lambda x: F.glu(x, dim), [randn(*shape)], {"dim": dim})
    yield from sweep("glu", F.glu, [integers(-5, 5, 6)], {"dim": -1})
