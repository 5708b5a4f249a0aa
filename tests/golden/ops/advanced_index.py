"""Cases of the operations in tests/ops/advanced_index_test.cpp: see ../torch_cases.py.

The argument "at" is what stands in the brackets, where a, b and c are the last inputs.
"""

import torch

from torch_cases import BOOL, F32, F64, I64, INF, NAN, case, integers, randn, sweep

T = torch.tensor


def read(at):
    def fn(x, *tensors):
        return eval(f"x[{at}]", {"x": x, **dict(zip("abc", tensors))})
    return fn


def write(at):
    def fn(x, value, *tensors):
        y = x.clone()
        exec(f"y[{at}] = value", {"y": y, "value": value, **dict(zip("abc", tensors))})
        return y
    return fn


def accumulate(at):
    def fn(x, value, *tensors):
        return x.index_put(tuple(tensors), value, accumulate=True)
    return fn


BASIC = ("0", "-1,2", "1:", ":,::2", "...", "...,-1", "None", "...,None", "0,...,1:3", ":-1,None,1", "-5:1,1:-1:2,0",
         "5:", "2:1,...,3", "1,2,3", ":,:,:", "None,...,0,None")


def selections():
    """What stands in the brackets of a tensor (2, 3, 4), and the tensors that it names."""
    flags = T([True, False, True])
    matrix = T([[True, False, True], [False, True, True]])
    yield "a", [T([1, 0, 1, -1])]
    yield "a", [T([[0], [-2]])]
    yield ":,a", [T([2, 0])]
    yield "...,a", [T([3, -4, 0])]
    yield "a,b", [T([1, 0, 1]), T([2, -1, 0])]
    yield "a,b", [T([[1], [0]]), T([2, 1, 0])]  # broadcast
    yield "a,:,b", [T([1, 0]), T([3, 0])]  # apart: in front
    yield ":,a,b", [T([1, 0]), T([3, 0])]
    yield "a,b,c", [T([1, 0]), T([[2], [1]]), T([0])]
    yield "a,...,b", [T([1, 0]), T([3, 0])]
    yield "a,1:,b", [T([1, 0]), T([3, 0])]
    yield "0,a", [T([2, 2])]
    yield "a,0", [T([1, 0])]
    yield "a,:,0", [T([1, 0])]
    yield "0,:,a", [T([1, 0])]
    yield "None,a", [T([1, 0])]
    yield "a,None,b", [T([1, 0]), T([2, 0])]
    yield ":,None,a,1:3", [T([2, 0])]
    yield "a", [T(1)]
    yield "a,:,b", [T(1), T([0, 2])]
    yield "a,b,c", [T(1), T(-1), T(0)]
    yield "a", [torch.zeros(0, dtype=I64)]
    yield ":,a,1:1", [T([2, 0])]
    yield "1:1,a", [T([2, 0])]
    yield "a,b", [torch.zeros(0, 1, dtype=I64), T([0, 1])]
    yield ":,a", [flags]
    yield "a", [matrix]
    yield "a", [torch.zeros(2, 3, dtype=BOOL)]
    yield "a", [torch.ones(2, 3, 4, dtype=BOOL).tril()]
    yield "...,a", [T([True, False, False, True])]
    yield "0,a", [flags]
    yield ":,a,0", [flags]
    yield ":,a,b", [flags, T([1, 2])]
    yield "a,:,b", [T([True, True]), T([0, 3])]
    yield "a,b", [matrix, T([0, 1, 2, 3])]
    yield "True", []
    yield "False", []
    yield "True,0", []
    yield "a", [T(True)]
    yield "a", [T(False)]
    yield "True,a", [T([0, 1])]
    yield "a,True", [T([0, 1])]
    yield "True,:,a", [T([0, 1])]
    yield ":,True,a", [T([0, 1])]
    yield "True,None,True", []


def cases():
    for at in BASIC:
        yield case("index", read(at), [randn(2, 3, 4)], {"at": at})
    for at, tensors in selections():
        yield case("index", read(at), [randn(2, 3, 4), *tensors], {"at": at})
    for at, x, tensors in (("None", randn(), []), ("...", randn(), []), ("True", randn(), []), ("False", randn(), []),
                           ("a", randn(), [T(True)]), ("a", torch.zeros(0, 3), [torch.zeros(0, dtype=I64)]),
                           (":,a", torch.zeros(0, 3), [T([0, 1])]), ("a", randn(5, dtype=F32), [T([4, 4, 0])]),
                           ("a", T([NAN, INF, -0.0], dtype=F64), [T([2, 1, 0, 0])])):
        yield case("index", read(at), [x, *tensors], {"at": at})

    for at, value in (("0", randn(3, 4)), ("...,1", randn()), (":,::2", randn(2, 2, 4)), ("1:,None,1", randn(1, 4)),
                      ("...", randn(4)), ("5:", randn()), ("1,2,3", randn(1, 1))):
        yield case("index_put", write(at), [randn(2, 3, 4), value], {"at": at})
        yield case("index_put_", write(at), [randn(2, 3, 4), value], {"at": at})
    flags = T([True, False, True])
    matrix = T([[True, False, True], [False, True, True]])
    for at, value, tensors in (
            ("a", randn(3, 4), [T([1])]), ("a", randn(), [T([-1, 0])]), (":,a", randn(2, 2, 4), [T([2, 0])]),
            ("a,:,b", randn(2, 3), [T([1, 0]), T([3, 0])]), (":,a,b", randn(2, 1), [T([1, 0]), T([3, 0])]),
            ("a,b", randn(1, 2, 4), [T([[1]]), T([2, 0])]), ("a", randn(), [matrix]), ("a", randn(4, 4), [matrix]),
            (":,a", randn(), [flags]), ("...,a", randn(1, 1), [T([True, False, False, True])]),
            ("a", randn(1), [torch.ones(2, 3, 4, dtype=BOOL).triu()]), (":,a,1", randn(2, 2), [flags]),
            ("a", randn(4), [torch.zeros(0, dtype=I64)]), ("True", randn(3, 4), []), ("False", randn(), []),
            ("a", randn(1, 1, 3, 4), [T([1])]), ("0,:,a", randn(3, 2), [T([1, 0])]), ("a", randn(), [T(1)])):
        # Python leaves the value out of the graph where nothing is selected; a zero gradient says as much.
        yield case("index_put", write(at), [randn(2, 3, 4), value, *tensors], {"at": at}, grad=at != "False")
    for at, value, tensors in (("a", randn(3, 3, 4), [T([1, 1, -1])]), ("a,b", randn(), [T([[1], [0]]), T([2, 2])]),
                               ("a", randn(4), [matrix]), ("a,b,c", randn(3), [T([1, 1, 0]), T([0]), T([2])])):
        yield case("index_put_accumulate", accumulate(at), [randn(2, 3, 4), value, *tensors], {"at": at})
        yield case("index_put_accumulate_", accumulate(at), [randn(2, 3, 4), value, *tensors], {"at": at})

    numbers, rows, values = integers(0, 5, 3, 2), T([2, 0, 2]), integers(0, 5, 3, 2)
    yield from sweep("index", read("a"), [numbers, rows], {"at": "a"}, positions=[0])
    yield from sweep("index", read("a,:1"), [numbers, T([True, False, True])], {"at": "a,:1"}, positions=[0])
    for name, fn, index in (("index_put", write("a"), T([2, 0, 1])), ("index_put_", write("a"), T([2, 0, 1])),
                            ("index_put_accumulate", accumulate("a"), rows)):
        yield from sweep(name, fn, [numbers, values, index], {"at": "a"}, positions=[0, 1])
        yield from sweep(name, fn, [numbers, values, index], {"at": "a"}, positions=[1])
    yield from sweep("index_put", write("1"), [numbers, T([2, 3])], {"at": "1"}, positions=[1])
