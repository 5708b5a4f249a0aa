"""Layers of tests/nn/transformer_test.cpp: see ../layer_cases.py.

Masked results in evaluation take PyTorch's ordinary path: its fast path writes zeros at padded positions.
"""

import torch
import torch.nn.functional as F
from torch import nn

from layer_cases import F32, F64, layer
from nn.attention import adds, draw, hides

QUIET = {"dropout": 0.0}


def ordinary(module, call):
    """The call with gradients enabled, so that evaluation does what training does."""
    with torch.enable_grad():
        return call(module)


def encoder_layer(module, x):
    return ordinary(module, lambda m: m(x[0], src_mask=x[1], src_key_padding_mask=x[2]))


def decoder_layer(module, x):
    return module(x[0], x[1], tgt_mask=x[2], memory_mask=x[3], tgt_key_padding_mask=x[4], memory_key_padding_mask=x[5])


def encoder(module, x):
    return ordinary(module, lambda m: m(x[0], mask=x[1], src_key_padding_mask=x[2]))


def whole(module, x):
    return ordinary(module, lambda m: m(x[0], x[1], src_mask=x[2], tgt_mask=x[3], memory_mask=x[4], src_key_padding_mask=x[5],
                                        tgt_key_padding_mask=x[6], memory_key_padding_mask=x[7]))


def causal(n):
    return lambda generator, dtype: torch.ones(n, n, dtype=torch.bool).triu(1)


def layers():
    d = {"dtype": F64}
    E, D = nn.TransformerEncoderLayer, nn.TransformerDecoderLayer
    yield layer("encoder layer", lambda: E(4, 2, 6, **QUIET), draw((3, 2, 4), None, None), dtype=F32, call=encoder_layer)
    yield layer("encoder layer norm first", lambda: E(4, 2, 6, activation="gelu", norm_first=True, batch_first=True, **QUIET, **d),
                draw((2, 3, 4), None, hides(2, 3)), call=encoder_layer)
    yield layer("encoder layer of a function",
                lambda: E(4, 1, 6, activation=torch.tanh, layer_norm_eps=0.1, **QUIET, **d), draw((3, 4), causal(3), None),
                call=encoder_layer)
    yield layer("encoder layer with dropout", lambda: E(4, 2, 6, dropout=0.3, **d), draw((3, 2, 4), hides(4, 3, 3), None), steps=2,
                call=encoder_layer)
    yield layer("decoder layer", lambda: D(4, 2, 6, **QUIET, **d), draw((3, 2, 4), (5, 2, 4), causal(3), hides(3, 5), None, hides(2, 5)),
                call=decoder_layer)
    yield layer("decoder layer norm first", lambda: D(4, 2, 6, activation=F.gelu, norm_first=True, batch_first=True, dropout=0.2, **d),
                draw((2, 3, 4), (2, 5, 4), None, None, hides(2, 3), None), steps=2, call=decoder_layer)
    yield layer("encoder", lambda: nn.TransformerEncoder(E(4, 2, 5, **QUIET, **d), 2, enable_nested_tensor=False),
                draw((3, 2, 4), causal(3), hides(2, 3)), call=encoder)
    yield layer("encoder with norm", lambda: nn.TransformerEncoder(E(4, 2, 5, norm_first=True, **QUIET, **d), 2, nn.LayerNorm(4, **d)),
                draw((3, 2, 4), None, None), call=encoder)
    yield layer("decoder", lambda: nn.TransformerDecoder(D(4, 2, 5, **QUIET, **d), 2, nn.LayerNorm(4, **d)),
                draw((3, 2, 4), (2, 2, 4), causal(3), None, None, None), call=decoder_layer)
    yield layer("transformer", lambda: nn.Transformer(4, 2, 1, 2, 5, **QUIET, **d),
                draw((3, 2, 4), (2, 2, 4), None, causal(2), hides(2, 3), hides(2, 3), None, hides(2, 3)), call=whole)
    yield layer("transformer batch first", lambda: nn.Transformer(4, 2, 2, 1, 5, batch_first=True, norm_first=True, activation="gelu"),
                draw((2, 3, 4), (2, 2, 4), adds(3, 3), None, None, None, hides(2, 2), None), dtype=F32, call=whole)


def prints():
    return {
        "encoder layer": nn.TransformerEncoderLayer(8, 2),
        "decoder layer": nn.TransformerDecoderLayer(8, 2, 16, 0.25, norm_first=True),
        "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 1),
        "transformer": nn.Transformer(8, 2, 1, 1, 16),
    }
