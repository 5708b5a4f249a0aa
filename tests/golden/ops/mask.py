"""Cases of the operations in tests/ops/mask_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import BOOL, F32, F64, I64, INF, NAN, case, integers, randn, sweep


def cases():
    some = torch.tensor([[True, False, True], [False, False, True]])
    for x, mask in ((randn(2, 3), some), (randn(2, 3), torch.tensor([True, False, True])), (randn(3), some),
                    (randn(2, 3, dtype=F32), torch.tensor(True)), (randn(2, 1), some), (randn(), torch.tensor(False)),
                    (randn(), some), (randn(0, 3), torch.zeros(0, 3, dtype=BOOL)),
                    (torch.tensor([NAN, INF, -0.0], dtype=F64), torch.tensor([True, False, True]))):
        yield case("masked_select", lambda x, m: x.masked_select(m), [x, mask])
        yield case("masked_scatter", lambda x, m, s: x.masked_scatter(m, s), [x, mask, randn(7, dtype=x.dtype)])
    yield case("masked_scatter", lambda x, m, s: x.masked_scatter(m, s), [randn(2, 3), some, randn(3, 1)])
    yield from sweep("masked_select", lambda x, m: x.masked_select(m), [integers(0, 5, 2, 3), some], positions=[0])
    yield from sweep("masked_scatter", lambda x, m, s: x.masked_scatter(m, s),
                     [integers(0, 5, 2, 3), some, integers(0, 5, 4)], positions=[0, 2])
    yield from sweep("masked_scatter", lambda x, m, s: x.masked_scatter(m, s),
                     [integers(0, 5, 2, 3), some, integers(0, 5, 4)], positions=[0])
    for x in (torch.tensor([[0.0, NAN, -0.0], [INF, 0, 1e-300]], dtype=F64), some, torch.tensor(3), torch.tensor(0.0),
              torch.zeros(2, 0), torch.zeros(0, 2), integers(0, 2, 2, 2, 3)):
        yield case("nonzero", torch.nonzero, [x], grad=False)
        yield case("argwhere", torch.argwhere, [x], grad=False)
        yield case("nonzero_tuple", lambda x: torch.nonzero(x, as_tuple=True), [x], grad=False)
    for name, fn in (("nonzero", torch.nonzero), ("argwhere", torch.argwhere),
                     ("nonzero_tuple", lambda x: torch.nonzero(x, as_tuple=True))):
        yield from sweep(name, fn, [integers(0, 2, 2, 4)])
    for classes, n in ((torch.tensor([2, 0, 1]), -1), (torch.tensor([[0, 3]]), 5), (torch.tensor(1), -1),
                       (torch.zeros(0, dtype=I64), 3), (torch.zeros(2, 0, dtype=I64), 3)):
        yield case("one_hot", lambda x: F.one_hot(x, n), [classes], {"num_classes": n})
    yield from sweep("one_hot", lambda x: F.one_hot(x, 4), [torch.tensor([3, 0])], {"num_classes": 4})
