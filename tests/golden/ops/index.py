"""Cases of the operations in tests/ops/index_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, F64, I64, INF, NAN, case, integers, randn, random, sweep


def permutations(rows, n):
    """Rows of different positions."""
    return torch.stack([torch.randperm(n, generator=random) for _ in range(rows)])


def along():
    """x, dim, an index with repetitions, a source as large as the index."""
    yield randn(3, 4), 0, integers(0, 3, 3, 4), randn(3, 4)
    yield randn(3, 4), 1, integers(0, 4, 3, 7), randn(3, 7)
    yield randn(3, 4), -1, integers(0, 4, 2, 3), randn(2, 3)  # the index reaches only a part of x
    yield randn(2, 3, 4), 1, integers(0, 3, 2, 5, 3), randn(2, 5, 3)
    yield randn(5), 0, integers(0, 5, 8), randn(8)
    yield randn(), 0, torch.tensor(0), randn()
    yield randn(), -1, torch.tensor([0]), randn(1)
    yield randn(3), 0, torch.tensor(2), randn()
    yield randn(3, 4), 0, torch.zeros(0, 4, dtype=I64), randn(0, 4)
    yield randn(0, 3), 1, torch.zeros(0, 2, dtype=I64), randn(0, 2)
    yield torch.tensor([NAN, INF, -INF, -0.0, 1.0], dtype=F64), 0, integers(0, 5, 6), randn(6)
    yield randn(6, dtype=F32), 0, integers(0, 6, 9), randn(9, dtype=F32)


def in_place_cases():
    rows = torch.tensor([[0, 2, 0], [2, 2, 1]])
    unique = torch.tensor([[0, 2], [2, 1]])
    for x, s, two, sweeping in ((randn(2, 3), randn(2, 3), randn(2, 2), False),
                                (integers(0, 5, 2, 3), integers(0, 5, 2, 3), integers(0, 5, 2, 2), True)):
        every = lambda op, fn, inputs, args: (
            sweep(op, fn, inputs, args, positions=[0, 2]) if sweeping else [case(op, fn, inputs, args)])
        yield from every("scatter_", lambda x, i, s: x.clone().scatter_(1, i, s), [x, unique, two], {"dim": 1})
        yield from every("scatter_scalar_", lambda x, i: x.clone().scatter_(1, i, 3), [x, rows], {"dim": 1, "value": 3})
        yield from every("scatter_add_", lambda x, i, s: x.clone().scatter_add_(1, i, s), [x, rows, s], {"dim": 1})


def take_cases():
    for x, index, dim in ((randn(3, 4), torch.tensor([[0], [3], [3]]), 1), (randn(1, 4), integers(0, 4, 3, 2), 1),
                          (randn(3, 4), torch.tensor([[2, 0, 1, 1]]), 0), (randn(2, 3), torch.tensor([[2], [0]]), -1),
                          (randn(0, 3), torch.zeros(0, 1, dtype=I64), 1)):
        yield case("take_along_dim", lambda x, i: torch.take_along_dim(x, i, dim), [x, index], {"dim": dim})
    yield case("take_along_dim", torch.take_along_dim, [randn(3, 4), torch.tensor([[11, 0], [5, 5]])])
    for x, index in ((randn(3, 4), torch.tensor([[11, 0, -1], [5, 5, -12]])), (randn(), torch.tensor([0, -1])),
                     (randn(4), torch.tensor(2)), (randn(3), torch.zeros(0, 2, dtype=I64))):
        yield case("take", torch.take, [x, index])
    yield from sweep("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 0),
                     [integers(0, 5, 2, 3), torch.tensor([[1, 1, 0]])], {"dim": 0}, positions=[0])
    yield from sweep("take", torch.take, [integers(0, 5, 2, 3), torch.tensor([-1, 4])], positions=[0])


def cases():
    for x, dim, index, source in along():
        args = {"dim": dim}
        yield case("gather", lambda x, i: x.gather(dim, i), [x, index], args)
        yield case("scatter_scalar", lambda x, i: x.scatter(dim, i, 2.5), [x, index], {**args, "value": 2.5})
        yield case("scatter_add", lambda x, i, s: x.scatter_add(dim, i, s), [x, index, source], args)
    one = {"dim": 1}
    yield case("scatter", lambda x, i, s: x.scatter(1, i, s), [randn(3, 5), permutations(3, 5), randn(3, 5)], one)
    yield case("scatter", lambda x, i, s: x.scatter(1, i, s), [randn(3, 5), permutations(2, 5), randn(2, 5)], one)
    yield case("scatter", lambda x, i, s: x.scatter(0, i, s), [randn(3), torch.tensor([2, 0]), randn(2)], {"dim": 0})
    yield case("scatter", lambda x, i, s: x.scatter(0, i, s), [randn(), torch.tensor(0), randn()], {"dim": 0})
    yield case("scatter", lambda x, i, s: x.scatter(1, i, s),
               [randn(3, 5), permutations(2, 5)[:, :3], randn(3, 5)], one, grad=False)  # a source of which part is used
    rows = torch.tensor([[0, 2, 0], [2, 2, 1]])
    numbers = integers(0, 5, 2, 3)
    yield from sweep("gather", lambda x, i: x.gather(1, i), [numbers, rows], one, positions=[0])
    yield from sweep("gather", lambda x, i: x.gather(1, i), [numbers, rows], one, positions=[1])
    unique = torch.tensor([[0, 2], [2, 1]])
    yield from sweep("scatter", lambda x, i, s: x.scatter(1, i, s), [numbers, unique, integers(0, 5, 2, 2)], one,
                     positions=[0, 2])
    yield from sweep("scatter", lambda x, i, s: x.scatter(1, i, s), [numbers, unique, integers(0, 5, 2, 2)], one,
                     positions=[0])
    yield from sweep("scatter_scalar", lambda x, i: x.scatter(1, i, 2.5), [numbers, rows], {**one, "value": 2.5},
                     positions=[0])
    yield from sweep("scatter_add", lambda x, i, s: x.scatter_add(1, i, s), [numbers, rows, integers(0, 5, 2, 3)],
                     one, positions=[0, 2])
    yield from in_place_cases()
    yield from take_cases()
