"""Cases of the operations in tests/ops/rectifier_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, randn, sweep

IN_PLACE = ("threshold", "hardtanh", "elu", "selu", "celu", "leaky_relu")


def options():
    return {
        "threshold": ({"threshold": 0.1, "value": 20.0}, {"threshold": -1.0, "value": -7.5}),
        "hardtanh": ({}, {"min_val": -0.5, "max_val": 2.0}, {"min_val": 0.25, "max_val": 0.25}),
        "relu6": ({},),
        "elu": ({}, {"alpha": 2.5}, {"alpha": -0.5}),
        "selu": ({},),
        "celu": ({}, {"alpha": 2.5}, {"alpha": -0.5}),
        "leaky_relu": ({}, {"negative_slope": 0.3}, {"negative_slope": -1.0}),
        "hardshrink": ({}, {"lambd": 1.5}, {"lambd": 0.0}, {"lambd": -1.0}),
        "softshrink": ({}, {"lambd": 1.5}, {"lambd": 0.0}),
    }


def cases():
    special = torch.tensor([0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 6.0, 800.0, -800.0, INF, -INF], dtype=F64)
    for name, variants in options().items():
        fn = getattr(F, name)
        for args in variants:
            yield case(name, lambda x: fn(x, **args), [randn(3, 4) * 3], args)
            yield case(name, lambda x: fn(x, **args), [special], args)
            if name in IN_PLACE:
                in_place = getattr(F, name + "_")
                grad = args.get("alpha", args.get("negative_slope", 1.0)) > 0  # PyTorch's in place have none for others
                yield case(name + "_", lambda x: in_place(x.clone(), **args), [randn(2, 3) * 3], args, grad)
        args = variants[0]
        if name != "softshrink":  # that of PyTorch 1.13 turns NaN into 0
            yield case(name, lambda x: fn(x, **args), [torch.tensor([NAN, 1.0, -2.0], dtype=F64)], args, grad=False)
        yield case(name, lambda x: fn(x, **args), [randn(9, dtype=F32)], args)
        yield case(name, lambda x: fn(x, **args), [randn()], args)
        yield case(name, lambda x: fn(x, **args), [randn(0, 2)], args)
        whole = {"threshold": 1.0, "value": 20.0} if name == "threshold" else args
        yield from sweep(name, lambda x: fn(x, **whole), [integers(-5, 5, 6)], whole)
        if name in IN_PLACE:
            yield from sweep(name + "_", lambda x: in_place(x.clone(), **whole), [integers(-5, 5, 6)], whole)

    for x, w in ((randn(2, 3, 2), randn(3)), (randn(2, 3), randn(1)), (randn(2, 3, 1, 2), randn(1)), (randn(4), randn(1)),
                 (randn(), randn(1)), (randn(2, 0, 3), randn(1)), (randn(5, 2, dtype=F32), randn(2, dtype=F32))):
        yield case("prelu", F.prelu, [x, w])
    yield case("prelu", F.prelu, [special, torch.tensor([0.25], dtype=F64)])
    yield from sweep("prelu", F.prelu, [integers(-5, 5, 2, 3), integers(1, 3, 3)])

    def drawn(fn):
        def run(x, **args):
            torch.manual_seed(9)
            return fn(x, **args)
        return run
    for name, fn in (("rrelu", drawn(F.rrelu)), ("rrelu_", drawn(lambda x, **args: F.rrelu_(x.clone(), **args)))):
        for args in ({}, {"training": True}, {"training": True, "lower": -0.5, "upper": 2.0},
                     {"training": True, "lower": 0.3, "upper": 0.3}, {"lower": 0.5, "upper": 0.7}):
            yield case(name, lambda x: fn(x, **args), [randn(3, 4)], args)
        yield case(name, lambda x: fn(x, training=True), [randn(20, dtype=F32)], {"training": True})
        yield case(name, lambda x: fn(x, training=True), [torch.tensor([0.0, 1.0, -1.0, NAN, -2.0], dtype=F64)],
                   {"training": True}, grad=False)
        yield from sweep(name, fn, [integers(-5, 5, 6)])
