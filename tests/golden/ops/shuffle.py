"""Cases of the operations in tests/ops/shuffle_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, case, integers, randn, sweep


def cases():
    for groups, shape in ((1, (1, 3, 2)), (2, (2, 4, 3)), (3, (1, 6, 2, 2)), (2, (0, 4, 3)), (2, (1, 2, 1, 2, 2))):
        yield case("channel_shuffle", lambda x: torch.channel_shuffle(x, groups), [randn(*shape)], {"n": groups},
                   grad=False)  # that of PyTorch 1.13 has none
    yield from sweep("channel_shuffle", lambda x: torch.channel_shuffle(x, 2), [integers(0, 2, 1, 4, 2)], {"n": 2})
    for name, fn, shapes in (("pixel_shuffle", F.pixel_shuffle, ((4, 2, 3), (2, 8, 1, 2), (2, 1, 4, 2, 1))),
                             ("pixel_unshuffle", F.pixel_unshuffle, ((1, 4, 2), (2, 2, 2, 4), (2, 1, 1, 2, 2)))):
        for shape in shapes:
            yield case(name, lambda x: fn(x, 2), [randn(*shape)], {"n": 2})
            yield case(name, lambda x: fn(x, 1), [randn(*shape)], {"n": 1})
        yield case(name, lambda x: fn(x, 3), [randn(1, 9, 3, 3, dtype=F32)], {"n": 3})
        yield from sweep(name, lambda x: fn(x, 2), [integers(0, 2, 4, 2, 2)], {"n": 2})
