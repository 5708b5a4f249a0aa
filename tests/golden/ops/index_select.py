"""Cases of the operations in tests/ops/index_select_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, I64, INF, NAN, case, integers, randn, sweep


def slices():
    """x, dim, an index of slices with repetitions, as many slices."""
    yield randn(3, 4), 0, torch.tensor([2, 0, 2, 1]), randn(4, 4)
    yield randn(3, 4), -1, torch.tensor([3, 3]), randn(3, 2)
    yield randn(2, 3, 4), 1, torch.tensor([1, 0]), randn(2, 2, 4)
    yield randn(5), 0, torch.tensor([4, 0, 0]), randn(3)
    yield randn(5, dtype=F32), 0, torch.tensor([4, 0, 0]), randn(3, dtype=F32)
    yield randn(3, 4), 0, torch.tensor(2), randn(1, 4)
    yield randn(3, 2), 0, torch.zeros(0, dtype=I64), randn(0, 2)
    yield randn(2, 0), 0, torch.tensor([1, 1]), randn(2, 0)
    yield randn(), 0, torch.tensor([0]), randn()
    yield torch.tensor([NAN, INF, -0.0], dtype=F64), 0, torch.tensor([2, 0, 1]), torch.tensor([INF, 1, NAN], dtype=F64)


def slice_cases():
    for x, dim, index, source in slices():
        args = {"dim": dim}
        yield case("index_select", lambda x, i: x.index_select(dim, i), [x, index], args)
        yield case("index_add", lambda x, i, s: x.index_add(dim, i, s), [x, index, source], args)
        yield case("index_add", lambda x, i, s: x.index_add(dim, i, s, alpha=-0.5), [x, index, source],
                   {**args, "alpha": -0.5})
        yield case("index_fill", lambda x, i: x.index_fill(dim, i, 2.5), [x, index], {**args, "value": 2.5})
        if len(set(index.reshape(-1).tolist())) == index.numel():
            yield case("index_copy", lambda x, i, s: x.index_copy(dim, i, s), [x, index, source], args)
    yield case("index_copy", lambda x, i, s: x.index_copy(0, i, s), [randn(3), torch.tensor([1]), randn()], {"dim": 0})
    yield case("index_fill", lambda x, i: x.index_fill(1, i, 2), [randn(2, 3), torch.tensor([-1, -3])],
               {"dim": 1, "value": 2})
    numbers, index, source = integers(0, 5, 2, 3), torch.tensor([1, 1]), integers(0, 5, 2, 3)
    one = {"dim": 0}
    for positions in ([0], [1]):
        yield from sweep("index_select", lambda x, i: x.index_select(0, i), [numbers, index], one, positions=positions)
    for positions in ([0, 2], [0]):
        yield from sweep("index_add", lambda x, i, s: x.index_add(0, i, s), [numbers, index, source], one,
                         positions=positions)
        yield from sweep("index_copy", lambda x, i, s: x.index_copy(0, i, s), [numbers, torch.tensor([1, 0]), source],
                         one, positions=positions)
    yield from sweep("index_add", lambda x, i, s: x.index_add(0, i, s, alpha=2), [numbers, index, source],
                     {**one, "alpha": 2}, positions=[0, 2])
    yield from sweep("index_fill", lambda x, i: x.index_fill(0, i, 2.5), [numbers, index], {**one, "value": 2.5},
                     positions=[0])


def in_place_cases():
    index = torch.tensor([1, 0])
    for x, s, sweeping in ((randn(2, 3), randn(2, 3), False),
                           (integers(0, 5, 2, 3), integers(0, 5, 2, 3), True)):
        every = lambda op, fn, inputs, args: (
            sweep(op, fn, inputs, args, positions=[0, 2]) if sweeping else [case(op, fn, inputs, args)])
        yield from every("index_add_", lambda x, i, s: x.clone().index_add_(0, i, s, alpha=2), [x, index, s],
                         {"dim": 0, "alpha": 2})
        yield from every("index_copy_", lambda x, i, s: x.clone().index_copy_(0, i, s), [x, index, s], {"dim": 0})
        yield from every("index_fill_", lambda x, i: x.clone().index_fill_(1, i, 3), [x, index], {"dim": 1, "value": 3})


def cases():
    yield from slice_cases()
    yield from in_place_cases()
