"""Cases of the operations in tests/ops/grid_sample_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, floating_only, integers, randn, sweep, uniform


def sample(x, grid, grad=True, **options):
    return case("grid_sample", lambda x, g: F.grid_sample(x, g, **{"align_corners": False, **options}), [x, grid], options,
                grad=grad)


def cases():
    for padding in ("zeros", "border", "reflection"):
        for align in (False, True):
            options = {"padding_mode": padding, "align_corners": align}
            for mode in ("bilinear", "nearest", "bicubic"):
                yield sample(randn(1, 2, 3, 4), uniform(-1.6, 1.6, 1, 2, 3, 2), mode=mode, **options)
            for mode in ("bilinear", "nearest"):
                yield sample(randn(1, 1, 2, 3, 4), uniform(-1.6, 1.6, 1, 2, 1, 3, 3), mode=mode, **options)
        corners = torch.tensor([[[[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [4.5, -7.25]]]], dtype=F64)
        for align in (False, True):
            yield sample(randn(1, 1, 3, 3), corners, padding_mode=padding, align_corners=align)
    yield sample(randn(2, 1, 3, 2, dtype=F32), uniform(-1.2, 1.2, 2, 2, 2, 2, dtype=F32))
    yield sample(randn(0, 1, 3, 2), uniform(-1, 1, 0, 2, 2, 2))
    yield sample(torch.tensor([[[[NAN, 1.0], [2.0, INF]]]], dtype=F64), torch.tensor([[[[9.0, 9.0], [-0.5, 0.5], [1e30, 0.0]]]],
                                                                                   dtype=F64), grad=False)
    yield from sweep("grid_sample", floating_only(lambda x, g: F.grid_sample(x, g, align_corners=False)),
                     [integers(0, 9, 1, 1, 3, 3), torch.tensor([[[[0.5, -0.25]]]])])

    affine = lambda theta, size, align: case("affine_grid", lambda t: F.affine_grid(t, size, align_corners=align), [theta],
                                             {"size": list(size), "align_corners": align})
    for align in (False, True):
        yield affine(randn(2, 2, 3), (2, 1, 3, 4), align)
        yield affine(randn(1, 2, 3, dtype=F32), (1, 2, 1, 3), align)
        yield affine(randn(1, 3, 4), (1, 1, 2, 3, 2), align)
    yield from sweep("affine_grid", floating_only(lambda t: F.affine_grid(t, (1, 1, 2, 2), align_corners=False)),
                     [integers(0, 3, 1, 2, 3)], {"size": [1, 1, 2, 2]})
