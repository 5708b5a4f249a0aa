"""Cases of the operations in tests/ops/join_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import BOOL, F32, F64, INF, NAN, U8, case, integers, randn, sweep


def cases():
    a, b, c = randn(2, 1), randn(2, 3), randn(2, 2)
    yield case("cat", lambda *t: torch.cat(t, 1), [a, b, c], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, -1), [a, b], {"dim": -1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(3), randn(0), randn(2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 1), [randn(2, 3), randn(0), randn(2, 0)], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(2), randn(1, dtype=F32), integers(0, 5, 2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 0), [integers(0, 5, 2, dtype=U8), integers(0, 2, 2, dtype=BOOL)], {"dim": 0})
    for dim in (0, 1, -1):
        yield case("stack", lambda *t: torch.stack(t, dim), [randn(2, 3), randn(2, 3)], {"dim": dim})
    yield case("stack", lambda *t: torch.stack(t), [randn(), randn()], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(0, 3), randn(2, 3), randn(0, 3)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 1), [randn(0, 3), randn(0, 2)], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, 2), [randn(2, 2, 1), randn(2, 2, 2)], {"dim": 2})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(3, dtype=F32)], {"dim": 0})
    # views of one tensor: an expanded one, a column, every second row
    yield case("cat", lambda x: torch.cat([x[:1].expand(2, 3), x[:, 1:2].expand(4, 3), x[::2]]), [randn(4, 3)],
               {"views": True, "dim": 0})
    special = torch.tensor([NAN, INF, -INF, -0.0], dtype=F64)
    yield case("cat", lambda *t: torch.cat(t, 0), [special, randn(1)], {"dim": 0})
    yield case("stack", lambda *t: torch.stack(t), [special, special.to(F32)], {"dim": 0})
    yield case("stack", lambda *t: torch.stack(t, -1), [randn(2, 0), randn(2, 0)], {"dim": -1})
    yield case("stack", lambda *t: torch.stack(t, 1), [randn(2, 2), integers(0, 5, 2, 2), randn(2, 2, dtype=F32)],
               {"dim": 1})
    for name in ("cat", "stack"):
        for positions in (None, [0], [1]):
            for other in (randn(2, dtype=F32),) if positions is None else (randn(2, dtype=F32), integers(0, 5, 2)):
                yield from sweep(name, lambda *t: getattr(torch, name)(t, 0), [integers(0, 2, 2), other], {"dim": 0},
                                 positions=positions)
