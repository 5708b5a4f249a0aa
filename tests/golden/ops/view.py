"""Cases of the operations in tests/ops/view_test.cpp: see ../torch_cases.py."""

from torch_cases import case, randn


def cases():
    x = randn(2, 3, 4)
    yield case("reshape", lambda x: x.reshape(4, -1), [x], {"sizes": [4, -1]})
    yield case("reshape", lambda x: x.reshape(1, 24, 1), [x], {"sizes": [1, 24, 1]})
    yield case("flatten", lambda x: x.flatten(1), [x], {"start": 1, "end": -1})
    yield case("flatten", lambda x: x.flatten(0, 1), [x], {"start": 0, "end": 1})
    yield case("flatten", lambda x: x.flatten(), [randn()], {"start": 0, "end": -1})
    yield case("transpose", lambda x: x.transpose(0, -1), [x], {"a": 0, "b": -1})
    yield case("permute", lambda x: x.permute(2, 0, 1), [x], {"dims": [2, 0, 1]})
    yield case("permute", lambda x: x.permute(-1, 1, 0), [x], {"dims": [-1, 1, 0]})
    yield case("expand", lambda x: x.expand(2, 3, -1), [randn(3, 1)], {"sizes": [2, 3, -1]})
    yield case("expand", lambda x: x.expand(4, 2, 3), [randn(2, 1)], {"sizes": [4, 2, 3]})
    yield case("expand", lambda x: x.expand(0), [randn(1)], {"sizes": [0]})
    yield case("expand", lambda x: x.expand(2, 3), [randn()], {"sizes": [2, 3]})
    for dim in (0, 2, -1):
        yield case("unsqueeze", lambda x: x.unsqueeze(dim), [randn(2, 3)], {"dim": dim})
        yield case("squeeze_dim", lambda x: x.squeeze(dim), [randn(1, 2, 1)], {"dim": dim})
    yield case("squeeze_dim", lambda x: x.squeeze(1), [randn(1, 2, 1)], {"dim": 1})
    yield case("squeeze", lambda x: x.squeeze(), [randn(1, 2, 1)])
    yield case("select", lambda x: x.select(1, -1), [x], {"dim": 1, "index": -1})
    yield case("narrow", lambda x: x.narrow(2, 1, 2), [x], {"dim": 2, "start": 1, "length": 2})
    yield case("narrow", lambda x: x.narrow(-1, -3, 3), [x], {"dim": -1, "start": -3, "length": 3})
    for first, last, step in ((None, None, 1), (1, None, 2), (-3, -1, 1), (3, 1, 1), (0, 100, 3), (-100, 2, 1), (5, 5, 2)):
        args = {k: v for k, v in (("first", first), ("last", last), ("step", step)) if v is not None}
        yield case("slice", lambda x: x[:, first:last:step], [randn(2, 7)], args)
    yield case("sum_to_size", lambda x: x.sum_to_size(3, 1), [randn(2, 3, 4)], {"sizes": [3, 1]})
