"""Cases of the operations in tests/ops/norm_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, pack, randn, sweep, uniform


def cases():
    for x, shape in (((4, 6), (6,)), ((2, 3, 4), (3, 4)), ((5,), (5,)), ((0, 3), (3,))):
        args = {"shape": list(shape), "eps": 1e-5}
        fn = lambda x, w, b: F.layer_norm(x, shape, w, b)
        for dtype in (F64, F32):
            yield case("layer_norm", fn, [randn(*x, dtype=dtype), randn(*shape, dtype=dtype), randn(*shape, dtype=dtype)],
                       args)
        yield case("layer_norm", fn, [randn(*x), None, None], args)
        yield case("layer_norm", fn, [randn(*x), randn(*shape), None], args)
    yield case("layer_norm", lambda x, w, b: F.layer_norm(x, (3,), w, b, 0.1), [randn(2, 3), randn(3), randn(3)],
               {"shape": [3], "eps": 0.1})

    for sizes in ((5, 3), (4, 3, 2), (2, 3, 2, 4)):
        for training in (True, False):
            for affine in (True, False):
                mean, var = randn(3), uniform(0.5, 2, 3)
                args = {"training": training, "momentum": 0.3, "eps": 1e-3, "mean": pack(mean), "var": pack(var)}

                def run(x, w, b):
                    m, v = mean.clone(), var.clone()
                    y = F.batch_norm(x, m, v, w, b, training, 0.3, 1e-3)
                    return y, m, v

                yield case("batch_norm", run, [randn(*sizes), randn(3) if affine else None, randn(3) if affine else None],
                           args)
        yield case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [randn(*sizes), randn(3), randn(3)],
                   {"training": True, "momentum": 0.1, "eps": 1e-5})
    f32 = [randn(2, 3, 2, 4, dtype=F32), randn(3, dtype=F32), randn(3, dtype=F32)]
    yield case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), f32,
               {"training": True, "momentum": 0.1, "eps": 1e-5})
    special = torch.tensor([[NAN, 1, 2], [INF, 0, 1], [3, 3, 3], [-2, 0, 2]], dtype=F64)
    yield case("layer_norm", lambda x: F.layer_norm(x, (3,)), [special], {"shape": [3], "eps": 1e-5}, grad=False)
    yield case("batch_norm", lambda x: F.batch_norm(x, None, None, training=True), [special],
               {"training": True, "momentum": 0.1, "eps": 1e-5}, grad=False)
    numbers = [integers(0, 5, 4, 3), integers(1, 4, 3), integers(0, 4, 3)]
    for positions in (None, [0], [1], [2]):
        inputs = numbers if positions is None else [x.to(F32) for x in numbers]
        yield from sweep("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), inputs,
                         {"training": True, "momentum": 0.1, "eps": 1e-5}, positions=positions)
    # PyTorch rounds the statistics of bf16 rows to bf16: these have round ones
    rows = [torch.tensor([[1, 3], [0, 4], [5, 3], [2, 0]]), torch.tensor([2, 3]), torch.tensor([1, 0])]
    for positions in (None, [0], [1], [2]):
        inputs = rows if positions is None else [x.to(F32) for x in rows]
        yield from sweep("layer_norm", lambda x, w, b: F.layer_norm(x, (2,), w, b), inputs, {"shape": [2], "eps": 1e-5},
                         positions=positions)

    for sizes in ((3, 4), (2, 3, 4), (2, 0), (0, 3)):
        for args in ({}, {"p": 1.0}, {"p": 4.0, "dim": -1}, {"p": 3.0, "dim": 0}):
            yield case("normalize", lambda x: F.normalize(x, **args), [randn(*sizes)], args)
    yield case("normalize", lambda x: F.normalize(x, dim=0, eps=2.0), [randn(5)], {"dim": 0, "eps": 2.0})
    yield case("normalize", lambda x: F.normalize(x, dim=0), [torch.tensor([0.0, 0.0], dtype=F64)], {"dim": 0}, grad=False)
    yield case("normalize", lambda x: F.normalize(x, dim=0), [torch.tensor([1.0, NAN, 2.0], dtype=F64)], {"dim": 0}, grad=False)
    yield case("normalize", F.normalize, [randn(3, 4, dtype=F32)])
    yield from sweep("normalize", F.normalize, [torch.tensor([[3, 4, 0], [0, 0, 8]])])
