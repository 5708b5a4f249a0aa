"""Cases of the operations in tests/ops/einsum_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, case, integers, randn, sweep


def cases():
    def einsum(equation, *shapes, dtype=None):
        inputs = [randn(*s, dtype=dtype) if dtype else randn(*s) for s in shapes]
        return case("einsum", lambda *x: torch.einsum(equation, *x), inputs, {"equation": equation})

    yield einsum("ij,jk->ik", (2, 3), (3, 4))
    yield einsum("ij,jk->ik", (2, 3), (3, 4), dtype=F32)
    yield einsum("ij,jk", (2, 3), (3, 4))
    yield einsum("ba,cb", (2, 3), (4, 2))  # the result is in the order of the alphabet
    yield einsum("aB,Bc", (2, 3), (3, 2))
    yield einsum("aZ,Zb,B", (2, 3), (3, 2), (2,))
    yield einsum(" b i j , b j k -> b i k ", (2, 2, 3), (2, 3, 2))
    yield einsum("ii", (3, 3))
    yield einsum("ii->i", (3, 3))
    yield einsum("iji->ji", (2, 3, 2))
    yield einsum("iii->i", (2, 2, 2))
    yield einsum("ii,ij->j", (2, 2), (2, 3))
    yield einsum("ij->ji", (2, 3))
    yield einsum("ij->", (2, 3))
    yield einsum("ij->j", (2, 3))
    yield einsum("i,j", (2,), (3,))
    yield einsum("i,i", (3,), (3,))
    yield einsum("i,i->i", (3,), (3,))
    yield einsum("bij,bij->b", (2, 3, 2), (2, 3, 2))
    yield einsum("ij,kl->il", (2, 3), (2, 2))  # summed on one side only
    yield einsum("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2))
    yield einsum("...ij,jk", (2, 2, 3), (3, 2))
    yield einsum("...", (2, 3))
    yield einsum("...i->i...", (2, 3, 2))
    yield einsum("i...i->...", (2, 3, 2))
    yield einsum("...i->i", (2, 3))  # dots that the result leaves out
    yield einsum("...,...", (2, 1), (3,))
    yield einsum("ij,j->i", (2, 3), (1,))  # a size of 1 broadcasts
    yield einsum("ij,ij->ij", (2, 1), (1, 3))
    yield einsum("ij,ij,ij->j", (1, 3), (1, 3), (2, 3))
    yield einsum("ij,jk,kl->il", (2, 3), (3, 2), (2, 3))
    yield einsum("i,j,k->kji", (2,), (3,), (2,))
    yield einsum("bn,anm,bm->ba", (2, 3), (2, 3, 2), (2, 2))
    yield einsum(",", (), ())
    yield einsum(",i->i", (), (3,))
    yield einsum("->", ())
    yield einsum("ij,jk->ik", (2, 0), (0, 3))
    yield einsum("ij,jk->ik", (0, 2), (2, 3))
    yield einsum("bij,bjk->bik", (0, 2, 2), (0, 2, 2))
    for equation, shapes in [("ij,jk->ik", [(2, 3), (3, 2)]), ("ij->i", [(2, 3)]), ("i,i->i", [(3,), (3,)])]:
        yield from sweep("einsum", lambda *x, e=equation: torch.einsum(e, *x), [integers(0, 4, *s) for s in shapes],
                         {"equation": equation})

    for dims, a, b in [(0, (2,), (3,)), (1, (2, 3), (3, 2)), (2, (2, 3, 2), (3, 2, 2)), (2, (2, 3), (2, 3)), (1, (2, 0), (0, 3))]:
        yield case("tensordot", lambda x, y, d=dims: torch.tensordot(x, y, d), [randn(*a), randn(*b)], {"dims": dims})
    for da, db, a, b in [([0, 2], [1, 0], (2, 3, 4), (4, 2)), ([-1], [0], (2, 3), (3, 4)), ([], [], (2,), (2,)),
                         ([0], [1], (1, 2), (2, 3)), ([0], [1], (3, 2), (2, 1))]:
        yield case("tensordot_pairs", lambda x, y, d=(da, db): torch.tensordot(x, y, d), [randn(*a), randn(*b)], {"a": da, "b": db})
    yield case("tensordot", lambda x, y: torch.tensordot(x, y, 1), [randn(2, 3, dtype=F32), randn(3, 2, dtype=F32)], {"dims": 1})
    yield from sweep("tensordot", lambda x, y: torch.tensordot(x, y, 1), [integers(0, 4, 2, 3), integers(0, 4, 3, 2)], {"dims": 1})
