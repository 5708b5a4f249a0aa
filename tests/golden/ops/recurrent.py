"""Cases of the operations in tests/ops/recurrent_test.cpp: see ../torch_cases.py.

Inputs are x, h, c (null but for the LSTM), then the weights of each layer and direction: w_ih, w_hh, b_ih, b_hh, w_hr, as
far as there are. With "batch_sizes" x is packed.
"""

import torch
from torch import _VF

from torch_cases import F32, F64, case, randn, sweep

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def weights(op, features, hidden, layers=1, directions=1, bias=True, projection=0, dtype=F64):
    rows, out = GATES[op.removesuffix("_cell")] * hidden, projection or hidden
    for layer in range(layers):
        for _ in range(directions):
            yield randn(rows, features if layer == 0 else directions * out, dtype=dtype)
            yield randn(rows, out, dtype=dtype)
            if bias:
                yield randn(rows, dtype=dtype)
                yield randn(rows, dtype=dtype)
            if projection:
                yield randn(projection, hidden, dtype=dtype)


def in_f32(fn):
    """Narrow floats are computed in f32, whole numbers refused."""
    def run(x, *rest):
        if not x.is_floating_point():
            raise NotImplementedError
        wide = x.dtype if x.dtype in (F32, F64) else F32
        out = fn(*[t if t is None else t.to(wide) for t in (x, *rest)])
        return [y.to(x.dtype) for y in (out if isinstance(out, tuple) else (out,))]
    return run


def runner(op, args, batch_sizes=None):
    layers, bias = args.get("layers", 1), args.get("bias", True)
    bidirectional = args.get("bidirectional", False)

    def run(x, h, c, *params):
        state = [h, c] if op == "lstm" else h
        common = (bias, layers, 0.0, False, bidirectional)
        if batch_sizes is None:
            return getattr(_VF, op)(x, state, params, *common, args.get("batch_first", False))
        return getattr(_VF, op)(x, batch_sizes, state, params, *common)
    return run


def sequences(op, time, batch, features, hidden, dtype=F64, batch_sizes=None, **args):
    layers, directions = args.get("layers", 1), 2 if args.get("bidirectional") else 1
    projection = args.get("projection", 0)
    sizes = (batch, time) if args.get("batch_first") else (time, batch)
    if batch_sizes is not None:
        args["batch_sizes"], sizes = batch_sizes, (sum(batch_sizes),)
        batch_sizes = torch.tensor(batch_sizes)
    inputs = [randn(*sizes, features, dtype=dtype), randn(layers * directions, batch, projection or hidden, dtype=dtype),
              randn(layers * directions, batch, hidden, dtype=dtype) if op == "lstm" else None,
              *weights(op, features, hidden, layers, directions, args.get("bias", True), projection, dtype)]
    return case(op, runner(op, args, batch_sizes), inputs, args)


def cases():
    for op in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        yield sequences(op, 3, 2, 3, 4)
        yield sequences(op, 3, 2, 3, 4, dtype=F32)
        yield sequences(op, 2, 3, 1, 2, bias=False)
        yield sequences(op, 1, 1, 2, 1, batch_first=True)
        yield sequences(op, 3, 2, 2, 3, layers=2, bidirectional=True, batch_first=True)
        yield sequences(op, 2, 2, 3, 2, layers=3, bias=False)
        yield sequences(op, 2, 0, 3, 2, layers=2, bidirectional=True)
        yield sequences(op, 2, 18, 2, 2)  # more rows than the matrix kernels take for few
        yield sequences(op, 4, 3, 2, 3, batch_sizes=[3, 3, 2, 1])
        yield sequences(op, 4, 3, 2, 2, batch_sizes=[3, 2, 2, 1], layers=2, bidirectional=True)
        yield sequences(op, 3, 2, 2, 2, batch_sizes=[2, 2, 2], bidirectional=True, bias=False)
        yield sequences(op, 3, 4, 2, 2, batch_sizes=[4, 3, 1], bidirectional=True, dtype=F32)
        inputs = [randn(2, 2, 3), randn(1, 2, 2), randn(1, 2, 2) if op == "lstm" else None, *weights(op, 3, 2)]
        yield from sweep(op, in_f32(runner(op, {})), inputs)
        sizes = torch.tensor([2, 1])
        packed = [randn(3, 3), *inputs[1:]]
        yield from sweep(op, in_f32(runner(op, {}, sizes)), packed, {"batch_sizes": [2, 1]})
    yield sequences("lstm", 3, 2, 3, 4, projection=2)
    yield sequences("lstm", 3, 2, 2, 3, projection=1, layers=2, bidirectional=True, bias=False)
    yield sequences("lstm", 3, 3, 2, 3, projection=2, batch_sizes=[3, 2, 1], layers=2, bidirectional=True)
    yield sequences("lstm", 2, 18, 2, 3, projection=2, dtype=F32)

    for op in ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"):
        def cell(x, h, c, *params, op=op):
            return getattr(_VF, op)(x, [h, c] if op == "lstm_cell" else h, *params)

        def alone(x, h, c, *params, op=op, cell=cell):
            out = cell(x[None], h[None], c if c is None else c[None], *params)
            return tuple(y[0] for y in out) if isinstance(out, tuple) else out[0]

        for batch, features, hidden, bias in ((2, 3, 4, True), (3, 1, 2, False), (1, 2, 1, True), (0, 3, 2, True)):
            for dtype in (F64, F32):
                state = [randn(batch, hidden, dtype=dtype), randn(batch, hidden, dtype=dtype) if op == "lstm_cell" else None]
                yield case(op, cell, [randn(batch, features, dtype=dtype), *state,
                                      *weights(op, features, hidden, bias=bias, dtype=dtype)], {"bias": bias})
        state = [randn(2), randn(2) if op == "lstm_cell" else None]
        yield case(op, alone, [randn(3), *state, *weights(op, 3, 2)])
        state = [randn(2, 2), randn(2, 2) if op == "lstm_cell" else None]
        yield from sweep(op, in_f32(cell), [randn(2, 3), *state, *weights(op, 3, 2)])
