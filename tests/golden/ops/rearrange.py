"""Cases of the operations in tests/ops/rearrange_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, INF, NAN, case, integers, pack, randn, sweep


def cases():
    x = randn(2, 3)
    whole = integers(-3, 9, 2, 3)

    for repeats in ([1, 1], [2, 3], [4, 1, 2], [0, 2], [2, 1]):
        yield case("repeat", lambda x: x.repeat(repeats), [x], {"repeats": repeats})
    yield case("repeat", lambda x: x.repeat(3), [randn()], {"repeats": [3]})
    yield case("repeat", lambda x: x.repeat(2, 2), [randn(0, 3)], {"repeats": [2, 2]})
    yield from sweep("repeat", lambda x: x.repeat(2, 2), [whole], {"repeats": [2, 2]})
    for dims in ([2], [2, 1], [2, 1, 3], []):
        yield case("tile", lambda x: torch.tile(x, dims), [x], {"repeats": dims})
    yield from sweep("tile", lambda x: torch.tile(x, (2,)), [whole], {"repeats": [2]})
    for n, dim in ((2, None), (3, 0), (2, -1), (1, 1), (0, 0)):
        args = {"n": n, **({} if dim is None else {"dim": dim})}
        yield case("repeat_interleave", lambda x: x.repeat_interleave(n, dim), [x], args)
    for counts, dim in (([1, 0, 2], 1), ([2, 3], 0), ([2], 1), ([1, 0, 2, 0, 1, 1], None)):
        args = {"counts": pack(torch.tensor(counts)), **({} if dim is None else {"dim": dim})}
        yield case("repeat_interleave", lambda x: x.repeat_interleave(torch.tensor(counts), dim), [x], args)
    yield from sweep("repeat_interleave", lambda x: x.repeat_interleave(2, 1), [whole], {"n": 2, "dim": 1})

    cube = randn(2, 3, 4)
    for dims in ([0], [1, 2], [-1], [], [0, 1, 2]):
        yield case("flip", lambda x: x.flip(dims), [cube], {"dims": dims})
    for y in (randn(0, 3), randn(1), randn(37, dtype=F32), randn(33, 65)):
        yield case("flip", lambda x: x.flip([0]), [y], {"dims": [0]})
    yield from sweep("flip", lambda x: x.flip([1]), [whole], {"dims": [1]})
    for shifts, dims in (([1], []), ([-2], [1]), ([1, 2], [0, 2]), ([7], [2]), ([0], [0]), ([1, 1], [1, 1])):
        yield case("roll", lambda x: torch.roll(x, shifts, dims), [cube], {"shifts": shifts, "dims": dims})
    yield case("roll", lambda x: torch.roll(x, 2), [randn(0, 3)], {"shifts": [2], "dims": []})
    yield from sweep("roll", lambda x: torch.roll(x, 1), [whole], {"shifts": [1], "dims": []})
    for k in (0, 1, 2, 3, -1, 5):
        yield case("rot90", lambda x: torch.rot90(x, k, (1, 2)), [cube], {"k": k, "a": 1, "b": 2})
    yield case("rot90", lambda x: torch.rot90(x, 1, (2, 0)), [cube], {"k": 1, "a": 2, "b": 0})
    yield from sweep("rot90", lambda x: torch.rot90(x), [whole], {"k": 1, "a": 0, "b": 1})

    special = torch.tensor([[1.0, NAN, INF], [NAN, 2.0, -INF], [3.0, 4.0, 5.0]], dtype=torch.float64)
    for name in ("tril", "triu"):
        for k in (0, 1, -1, 5, -5):
            yield case(name, lambda x: getattr(x, name)(k), [cube], {"diagonal": k})
        yield case(name, lambda x: getattr(x, name)(), [special], {"diagonal": 0})
        yield case(name, lambda x: getattr(x, name)(), [randn(0, 3)], {"diagonal": 0})
        yield from sweep(name, lambda x: getattr(x, name)(), [whole], {"diagonal": 0})
    for k in (0, 2, -1):
        yield case("diag", lambda x: x.diag(k), [randn(3)], {"diagonal": k})
        yield case("diag", lambda x: x.diag(k), [randn(3, 4)], {"diagonal": k})
    yield from sweep("diag", lambda x: x.diag(1), [whole], {"diagonal": 1})
    for offset, a, b in ((0, -2, -1), (1, 0, 1), (-2, 0, -1), (1, 2, 0)):
        yield case("diag_embed", lambda x: torch.diag_embed(x, offset, a, b), [x], {"offset": offset, "a": a, "b": b})
    yield case("diag_embed", lambda x: torch.diag_embed(x), [randn(0)], {"offset": 0, "a": -2, "b": -1})
    yield from sweep("diag_embed", lambda x: torch.diag_embed(x), [whole], {"offset": 0, "a": -2, "b": -1})

    for padding in ([1, 2], [0, 1, 2, 0], [-1, 1], [1, -2, -1, 0], [0, 0, 0, 0, 1, 1], [2, 2, 1, 1, 1, 0], []):
        yield case("pad", lambda x: F.pad(x, padding), [cube], {"padding": padding, "mode": "constant"})
    yield case("pad", lambda x: F.pad(x, (1, 1), value=2.5), [x], {"padding": [1, 1], "mode": "constant", "value": 2.5})
    yield case("pad", lambda x: F.pad(x, (1, 1)), [randn(2, 0)], {"padding": [1, 1], "mode": "constant"})
    yield from sweep("pad", lambda x: F.pad(x, (1, 1)), [whole], {"padding": [1, 1], "mode": "constant"})
    image = randn(1, 2, 4, 5)
    for mode in ("reflect", "replicate", "circular"):
        for padding in ([1, 2, 3, 0], [2, 1, 1, 1]):
            yield case("pad", lambda x: F.pad(x, padding, mode), [image], {"padding": padding, "mode": mode})
        yield case("pad", lambda x: F.pad(x, (2, 1), mode), [randn(2, 3, 4)], {"padding": [2, 1], "mode": mode})
    yield case("pad", lambda x: F.pad(x, (-1, 2), "reflect"), [randn(2, 3, 5)], {"padding": [-1, 2], "mode": "reflect"})
    yield case("pad", lambda x: F.pad(x, (7, 9), "replicate"), [randn(2, 3, 2)], {"padding": [7, 9], "mode": "replicate"})

    for indexing in ("ij", "xy"):
        for ts in ([randn(2), randn(3)], [randn(2), randn(), randn(3)], [randn(2)], [randn(0), randn(2)]):
            yield case("meshgrid", lambda *t: torch.meshgrid(*t, indexing=indexing), ts, {"indexing": indexing})
    yield from sweep("meshgrid", lambda *t: torch.meshgrid(*t, indexing="ij"), [integers(0, 9, 2), integers(0, 9, 3)],
                     {"indexing": "ij"})
