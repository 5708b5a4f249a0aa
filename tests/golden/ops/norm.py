"""Cases of the operations in tests/ops/norm_test.cpp: see ../torch_cases.py."""

import torch.nn.functional as F

from torch_cases import F32, F64, case, pack, randn, uniform


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
