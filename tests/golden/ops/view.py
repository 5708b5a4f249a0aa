"""Cases of the operations in tests/ops/view_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import F32, case, integers, randn, sweep


def cases():
    x = randn(2, 3, 4)


    def swept(op, fn, args=None, x=integers(-3, 9, 2, 3, 4)):
        yield from sweep(op, fn, [x], args)

    for sizes in ([4, -1], [1, 24, 1], [24], [2, 3, 4]):
        yield case("reshape", lambda x: x.reshape(sizes), [x], {"sizes": sizes})
        yield case("view", lambda x: x.contiguous().view(sizes), [x], {"sizes": sizes})
    yield case("reshape", lambda x: x.reshape(3, 0), [randn(0, 2)], {"sizes": [3, 0]})
    yield from swept("reshape", lambda x: x.reshape(6, 4), {"sizes": [6, 4]})
    yield from swept("view", lambda x: x.contiguous().view(6, 4), {"sizes": [6, 4]})
    for name in ("view_as", "reshape_as"):
        yield case(name, lambda x, y: getattr(x.contiguous(), name)(y), [x, randn(8, 3)])
        yield from sweep(name, lambda x, y: getattr(x.contiguous(), name)(y), [integers(0, 9, 2, 3), integers(0, 9, 3, 2)])
    yield case("flatten", lambda x: x.flatten(1), [x], {"start": 1, "end": -1})
    yield case("flatten", lambda x: x.flatten(0, 1), [x], {"start": 0, "end": 1})
    yield case("flatten", lambda x: x.flatten(), [randn()], {"start": 0, "end": -1})
    yield from swept("flatten", lambda x: x.flatten(1), {"start": 1, "end": -1})
    for dim, sizes in ((1, [3, 1]), (-1, [2, -1]), (0, [1, 2, 1])):
        yield case("unflatten", lambda x: x.unflatten(dim, sizes), [x], {"dim": dim, "sizes": sizes})
    yield from swept("unflatten", lambda x: x.unflatten(2, (2, 2)), {"dim": 2, "sizes": [2, 2]})
    yield case("transpose", lambda x: x.transpose(0, -1), [x], {"a": 0, "b": -1})
    yield case("transpose", lambda x: x.transpose(0, 0), [randn()], {"a": 0, "b": 0})
    yield from swept("transpose", lambda x: x.transpose(0, 1), {"a": 0, "b": 1})
    for m in (randn(2, 3), randn(4), randn()):
        yield case("t", lambda x: x.t(), [m])
    yield from swept("t", lambda x: x.t(), x=integers(0, 9, 2, 3))
    for dims in ([2, 0, 1], [-1, 1, 0]):
        yield case("permute", lambda x: x.permute(dims), [x], {"dims": dims})
    yield from swept("permute", lambda x: x.permute(2, 0, 1), {"dims": [2, 0, 1]})
    for source, destination in (([0], [2]), ([0, 1], [-1, 0]), ([-1], [0]), ([], [])):
        yield case("movedim", lambda x: x.movedim(source, destination), [x], {"source": source, "destination": destination})
    yield from swept("movedim", lambda x: x.movedim(0, 2), {"source": [0], "destination": [2]})
    for sizes, y in (([2, 3, -1], randn(3, 1)), ([4, 2, 3], randn(2, 1)), ([0], randn(1)), ([2, 3], randn())):
        yield case("expand", lambda x: x.expand(sizes), [y], {"sizes": sizes})
        if -1 not in sizes:
            yield case("broadcast_to", lambda x: torch.broadcast_to(x, sizes), [y], {"sizes": sizes})
    yield from swept("expand", lambda x: x.expand(4, 3), {"sizes": [4, 3]}, integers(0, 9, 1, 3))
    yield from swept("broadcast_to", lambda x: x.expand(4, 3), {"sizes": [4, 3]}, integers(0, 9, 1, 3))
    yield case("expand_as", lambda x, y: x.expand_as(y), [randn(3, 1), randn(2, 3, 4)])
    yield from sweep("expand_as", lambda x, y: x.expand_as(y), [integers(0, 9, 3, 1), integers(0, 9, 3, 2)])
    for ts in ([randn(3, 1), randn(2, 1, 4)], [randn(), randn(2)], [randn(0, 1), randn(1, 2)]):
        yield case("broadcast_tensors", lambda *t: torch.broadcast_tensors(*t), ts)
    yield from sweep("broadcast_tensors", lambda *t: torch.broadcast_tensors(*t), [integers(0, 9, 3, 1), integers(0, 9, 2)])
    for dim in (0, 2, -1):
        yield case("unsqueeze", lambda x: x.unsqueeze(dim), [randn(2, 3)], {"dim": dim})
        yield case("squeeze_dim", lambda x: x.squeeze(dim), [randn(1, 2, 1)], {"dim": dim})
    yield case("squeeze_dim", lambda x: x.squeeze(1), [randn(1, 2, 1)], {"dim": 1})
    yield case("squeeze", lambda x: x.squeeze(), [randn(1, 2, 1)])
    yield from swept("unsqueeze", lambda x: x.unsqueeze(1), {"dim": 1})
    yield from swept("squeeze", lambda x: x.squeeze(), x=integers(0, 9, 1, 3, 1))
    yield case("select", lambda x: x.select(1, -1), [x], {"dim": 1, "index": -1})
    yield from swept("select", lambda x: x.select(2, 1), {"dim": 2, "index": 1})
    for dim, start, length in ((2, 1, 2), (-1, -3, 3), (0, 2, 0)):
        yield case("narrow", lambda x: x.narrow(dim, start, length), [x], {"dim": dim, "start": start, "length": length})
    yield from swept("narrow", lambda x: x.narrow(1, 0, 2), {"dim": 1, "start": 0, "length": 2})
    for first, last, step in ((None, None, 1), (1, None, 2), (-3, -1, 1), (3, 1, 1), (0, 100, 3), (-100, 2, 1), (5, 5, 2)):
        args = {k: v for k, v in (("first", first), ("last", last), ("step", step)) if v is not None}
        yield case("slice", lambda x: x[:, first:last:step], [randn(2, 7)], args)
    yield from swept("slice", lambda x: x[:, 0:3:2], {"first": 0, "last": 3, "step": 2})
    yield case("sum_to_size", lambda x: x.sum_to_size(3, 1), [x], {"sizes": [3, 1]})
    yield from swept("sum_to_size", lambda x: x.sum_to_size(3, 1), {"sizes": [3, 1]})
    for dim, size, step in ((0, 2, 1), (1, 2, 1), (2, 2, 2), (-1, 3, 2), (2, 4, 1), (1, 0, 1), (2, 1, 3)):
        yield case("unfold", lambda x: x.unfold(dim, size, step), [x], {"dim": dim, "size": size, "step": step})
    yield case("unfold", lambda x: x.unfold(0, 3, 1), [randn(7, dtype=F32)], {"dim": 0, "size": 3, "step": 1})
    yield from swept("unfold", lambda x: x.unfold(2, 2, 1), {"dim": 2, "size": 2, "step": 1})
    for offset, a, b in ((0, 0, 1), (1, 0, 1), (-1, 0, 1), (2, 1, 2), (-2, 2, 0), (7, 0, 1), (-7, 0, 1), (0, -1, -2)):
        yield case("diagonal", lambda x: x.diagonal(offset, a, b), [x], {"offset": offset, "a": a, "b": b})
    yield from swept("diagonal", lambda x: x.diagonal(1, 1, 2), {"offset": 1, "a": 1, "b": 2})
    for sizes, strides, offset in (([2, 3], [1, 2], 0), ([4, 3], [1, 1], 2), ([3], [0], 5), ([], [], 3), ([0, 2], [1, 9], 0)):
        yield case("as_strided", lambda x: torch.as_strided(x.contiguous(), sizes, strides, offset), [randn(12)],
                   {"sizes": sizes, "strides": strides, "offset": offset})
    yield from swept("as_strided", lambda x: torch.as_strided(x.contiguous(), (2, 2), (1, 3), 1),
                     {"sizes": [2, 2], "strides": [1, 3], "offset": 1})
    for size, dim in ((1, 0), (2, 1), (3, -1), (9, 2)):
        yield case("split", lambda x: x.split(size, dim), [x], {"size": size, "dim": dim})
    yield case("split", lambda x: x.split(2), [randn(0)], {"size": 2, "dim": 0})
    yield case("split_sizes", lambda x: x.split([1, 0, 3], 2), [x], {"sizes": [1, 0, 3], "dim": 2})
    yield from swept("split", lambda x: x.split(2, 1), {"size": 2, "dim": 1})
    for chunks, dim in ((1, 0), (2, 1), (3, 2), (5, 2), (7, -2)):
        yield case("chunk", lambda x: x.chunk(chunks, dim), [x], {"chunks": chunks, "dim": dim})
    yield from swept("chunk", lambda x: x.chunk(2, 2), {"chunks": 2, "dim": 2})
    for dim in (0, 1, -1):
        yield case("unbind", lambda x: x.unbind(dim), [x], {"dim": dim})
    yield from swept("unbind", lambda x: x.unbind(1), {"dim": 1})
    padded = lambda x: torch.zeros(2, 5, 4, dtype=x.dtype).slice_scatter(x, 1, 1, 5, 2)
    yield case("slice_backward", padded, [randn(2, 2, 4)], {"sizes": [2, 5, 4], "dim": 1, "first": 1, "step": 2})
    yield from sweep("slice_backward", padded, [integers(0, 9, 2, 2, 4)], {"sizes": [2, 5, 4], "dim": 1, "first": 1, "step": 2})
