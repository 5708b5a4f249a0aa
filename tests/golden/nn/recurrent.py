"""Layers of tests/nn/recurrent_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn
from torch.nn.utils import rnn

from layer_cases import F32, F64, layer

KINDS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


def inputs(kind, x, state=None, c=None):
    """x, then h and for the LSTM c if there is a state."""
    def draw(generator, dtype):
        shapes = [x] + ([state] if state else []) + ([c or state] if state and kind == "LSTM" else [])
        return [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
    return draw


def call(module, xs):
    return module(xs[0], *([tuple(xs[1:])] if len(xs) == 3 else xs[1:]))


def packed(lengths, **args):
    """Through a packed sequence and back."""
    def run(module, xs):
        x = rnn.pack_padded_sequence(xs[0], torch.tensor(lengths), **args)
        y, state = call(module, [x, *xs[1:]])
        return rnn.pad_packed_sequence(y, args.get("batch_first", False))[0], state
    return run


def layers():
    for kind, make in KINDS.items():
        d = {"dtype": F64}
        yield layer(f"{kind}", lambda: make(3, 4), inputs(kind, (3, 2, 3)), dtype=F32)
        yield layer(f"{kind} with state", lambda: make(2, 3, **d), inputs(kind, (2, 2, 2), (1, 2, 3)), call=call)
        yield layer(f"{kind} without bias", lambda: make(2, 3, 2, bias=False, **d), inputs(kind, (2, 3, 2)))
        yield layer(f"{kind} of all options",
                    lambda: make(2, 3, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True, **d),
                    inputs(kind, (2, 3, 2), (4, 2, 3)), steps=2, call=call)
        yield layer(f"{kind} with dropout", lambda: make(2, 3, 3, dropout=0.3), inputs(kind, (3, 2, 2)), steps=2, dtype=F32)
        yield layer(f"{kind} without batch", lambda: make(2, 3, 2, **d), inputs(kind, (3, 2)))
        yield layer(f"{kind} without batch, with state", lambda: make(2, 2, 1, batch_first=True, bidirectional=True, **d),
                    inputs(kind, (3, 2), (2, 2)), call=call)
        yield layer(f"{kind} of no sequences", lambda: make(2, 3, 1, bidirectional=True, **d), inputs(kind, (2, 0, 2), (2, 0, 3)),
                    call=call)
        yield layer(f"{kind} packed", lambda: make(2, 3, **d), inputs(kind, (4, 3, 2)), call=packed([4, 2, 1]))
        yield layer(f"{kind} packed, of all options",
                    lambda: make(2, 3, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True, **d),
                    inputs(kind, (3, 4, 2), (4, 3, 3)), steps=2,
                    call=packed([2, 4, 3], batch_first=True, enforce_sorted=False))
    yield layer("RNN relu", lambda: nn.RNN(3, 4, 2, nonlinearity="relu", dtype=F64), (3, 2, 3))
    yield layer("RNN relu packed", lambda: nn.RNN(2, 3, nonlinearity="relu", bidirectional=True, dtype=F64),
                inputs("RNN", (3, 2, 2)), call=packed([1, 3], enforce_sorted=False))
    yield layer("LSTM projected", lambda: nn.LSTM(3, 4, proj_size=2), (3, 2, 3), dtype=F32)
    yield layer("LSTM projected, of all options",
                lambda: nn.LSTM(2, 3, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2, dtype=F64),
                inputs("LSTM", (2, 3, 2), (4, 2, 2), (4, 2, 3)), steps=2, call=call)
    yield layer("LSTM projected, packed", lambda: nn.LSTM(2, 3, bias=False, proj_size=1, bidirectional=True, dtype=F64),
                inputs("LSTM", (4, 3, 2), (2, 3, 1), (2, 3, 3)), call=packed([4, 4, 2]))
    yield layer("LSTM projected, without batch", lambda: nn.LSTM(2, 3, proj_size=2, dtype=F64),
                inputs("LSTM", (3, 2), (1, 2), (1, 3)), call=call)

    for kind, make in (("RNNCell", nn.RNNCell), ("LSTMCell", nn.LSTMCell), ("GRUCell", nn.GRUCell)):
        d = {"dtype": F64}
        state = "LSTM" if kind == "LSTMCell" else ""
        yield layer(f"{kind}", lambda: make(3, 4), inputs(state, (2, 3)), dtype=F32)
        yield layer(f"{kind} with state", lambda: make(3, 2, **d), inputs(state, (2, 3), (2, 2)), steps=2, call=call)
        yield layer(f"{kind} without bias", lambda: make(3, 2, bias=False, **d), inputs(state, (2, 3), (2, 2)), call=call)
        yield layer(f"{kind} without batch", lambda: make(3, 2, **d), inputs(state, (3,), (2,)), call=call)
        yield layer(f"{kind} of no rows", lambda: make(3, 2, **d), inputs(state, (0, 3), (0, 2)), call=call)
    yield layer("RNNCell relu", lambda: nn.RNNCell(3, 5, nonlinearity="relu", dtype=F64), inputs("", (3, 3), (3, 5)), call=call)


def prints():
    return {
        "RNN": nn.RNN(3, 4),
        "RNN relu": nn.RNN(3, 4, 2, nonlinearity="relu", bias=False),
        "LSTM": nn.LSTM(10, 20, 2, bias=False, batch_first=True, dropout=0.25, bidirectional=True, proj_size=5),
        "GRU": nn.GRU(3, 4, batch_first=True, dropout=0.0),
        "RNNCell": nn.RNNCell(3, 4),
        "RNNCell relu": nn.RNNCell(3, 4, bias=False, nonlinearity="relu"),
        "LSTMCell": nn.LSTMCell(3, 4, bias=False),
        "GRUCell": nn.GRUCell(3, 4),
        "inside": nn.Sequential(nn.Sequential(nn.LSTM(2, 3)), nn.ReLU()),
    }
