"""Cases of the operations in tests/ops/fold_test.cpp: see ../torch_cases.py."""

import torch.nn.functional as F

from torch_cases import F32, F64, case, floating_only, integers, randn, sweep


def cases():
    options = [((2, 2), {}), ((3, 2), {"stride": (2, 1), "padding": (1, 2)}), ((2, 2), {"dilation": (2, 1), "stride": 2}),
               ((1, 3), {"padding": 1, "dilation": 2})]
    for kernel, o in options:
        args = {"kernel": list(kernel), **{k: list(v) if isinstance(v, tuple) else [v] for k, v in o.items()}}
        for shape, dtype in (((1, 2, 4, 6), F64), ((2, 5, 6), F32)):
            x = randn(*shape, dtype=dtype)
            yield case("unfold", lambda x: F.unfold(x, kernel, **o), [x], args)
            columns = randn(*F.unfold(x, kernel, **o).shape, dtype=dtype)
            yield case("fold", lambda c: F.fold(c, shape[-2:], kernel, **o), [columns], {**args, "size": list(shape[-2:])})
    yield from sweep("unfold", floating_only(lambda x: F.unfold(x, 2)), [integers(0, 5, 1, 1, 3, 3)], {"kernel": [2]})
    yield from sweep("fold", floating_only(lambda c: F.fold(c, (3, 3), 2)), [integers(0, 5, 1, 4, 4)],
                     {"kernel": [2], "size": [3, 3]})
