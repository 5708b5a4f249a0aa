"""Cases of the operations in tests/ops/inplace_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, I32, U8, case, integers, randn, uniform


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
