"""Cases of the operations in tests/ops/inplace_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, I32, U8, case, integers, randn, sweep, uniform


def cases():
    """The first input is not changed itself, but a clone of it, which is returned."""
    for name in ("add_", "sub_", "mul_", "div_"):
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(2, 3), uniform(0.5, 2, 3)])
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(2, 3), uniform(0.5, 2, 3, dtype=F32)])
        # div_ keeps its rounded result: the gradient of a wider divisor is no more exact than that
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(3, dtype=F32), uniform(0.5, 2, 3)],
                   grad=name != "div_")
        yield case(name + "scalar", lambda x: getattr(x.clone(), name)(2.5), [randn(2, 3)], {"s": 2.5})
        if name != "div_":
            yield case(name, lambda x, y: getattr(x.clone(), name)(y), [integers(0, 9, 3, dtype=I32), integers(0, 9, 3)])
            yield case(name + "scalar", lambda x: getattr(x.clone(), name)(3), [integers(5, 9, 3, dtype=U8)], {"s": 3})
    yield case("add_alpha_", lambda x, y: x.clone().add_(y, alpha=-0.5), [randn(2, 3), randn(3)], {"alpha": -0.5})
    yield case("copy_", lambda x, y: x.clone().copy_(y), [randn(2, 3), randn(3, dtype=F32)])
    yield case("copy_", lambda x, y: x.clone().copy_(y), [integers(0, 9, 3), torch.tensor([1.9, -1.9, 2.5])], grad=False)
    yield case("fill_", lambda x: x.clone().fill_(2.5), [randn(2, 3)], {"s": 2.5}, grad=False)
    yield case("fill_", lambda x: x.clone().fill_(2.5), [integers(0, 9, 3)], {"s": 2.5}, grad=False)
    for name in ("add_", "sub_", "mul_", "div_", "copy_"):
        for other in (integers(1, 3, 3), torch.tensor([1.5, 2.0, 3.0])):
            yield from sweep(name, lambda x, y: getattr(x.clone(), name)(y), [integers(0, 4, 3), other], positions=[0])
    yield from sweep("fill_", lambda x: x.clone().fill_(1.5), [integers(0, 4, 3)], {"s": 1.5})
    yield case("zero_", lambda x: x.clone().zero_(), [randn(2, 3)], grad=False)
    yield from sweep("zero_", lambda x: x.clone().zero_(), [integers(0, 4, 3)])
    for name in ("neg_", "abs_", "exp_", "log_", "sqrt_", "rsqrt_", "reciprocal_", "square_", "floor_", "ceil_", "round_",
                 "trunc_", "relu_", "sigmoid_", "tanh_"):
        low = 0.2 if name in ("log_", "sqrt_", "rsqrt_", "reciprocal_") else -2
        yield case(name, lambda x: getattr(x.clone(), name)(), [uniform(low, 2, 2, 3)])
        yield case(name, lambda x: getattr(x.clone(), name)(), [uniform(low, 2, 3, dtype=F32)])
        yield from sweep(name, lambda x: getattr(x.clone(), name)(), [integers(0, 4, 3)])
    for s in (2, 0.5, -1):
        yield case("pow_", lambda x: x.clone().pow_(s), [uniform(0.2, 2, 2, 3)], {"s": s})
        yield from sweep("pow_", lambda x: x.clone().pow_(s), [integers(1, 4, 3)], {"s": s})
    for args in ({"min": 0.0}, {"max": 0.5}, {"min": -0.5, "max": 0.5}):
        yield case("clamp_", lambda x: x.clone().clamp_(**args), [randn(2, 3)], args)
    yield from sweep("clamp_", lambda x: x.clone().clamp_(1, 2), [integers(0, 4, 3)], {"min": 1, "max": 2})
    yield case("masked_fill_", lambda x, m: x.clone().masked_fill_(m, 2.5), [randn(2, 3), integers(0, 2, 3).bool()], {"s": 2.5})
    yield from sweep("masked_fill_", lambda x, m: x.clone().masked_fill_(m, 1), [integers(0, 4, 3), integers(0, 2, 3).bool()],
                     {"s": 1}, positions=[0])
    for s in (0.25, 0.75):
        yield case("lerp_", lambda x, y: x.clone().lerp_(y, s), [randn(2, 3), randn(3)], {"s": s})
    yield from sweep("lerp_", lambda x, y: x.clone().lerp_(y, 0.25), [integers(0, 4, 3), integers(0, 4, 3)], {"s": 0.25})
    for name in ("addcmul_", "addcdiv_"):
        yield case(name, lambda x, a, b: getattr(x.clone(), name)(a, b, value=-0.5),
                   [randn(2, 3), randn(3), uniform(0.5, 2, 3)], {"s": -0.5})
        yield from sweep(name, lambda x, a, b: getattr(x.clone(), name)(a, b, value=2),
                         [integers(0, 4, 3), integers(0, 4, 3), integers(1, 4, 3)], {"s": 2})
