"""Layers of tests/nn/attention_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer

INF = float("inf")


def draw(*shapes):
    """Inputs of these shapes; a callable makes one from (generator, dtype), None is an absent one."""
    def inputs(generator, dtype):
        return [None if s is None else s(generator, dtype) if callable(s) else torch.randn(s, generator=generator, dtype=dtype)
                for s in shapes]
    return inputs


def hides(*shape):
    """A bool mask that hides some keys, never the first."""
    def make(generator, dtype):
        mask = torch.rand(shape, generator=generator) < 0.4
        mask[..., 0] = False
        return mask
    return make


def adds(*shape):
    """Numbers to be added to the scores, of which no gradient is asked."""
    return lambda generator, dtype: torch.randn(shape, generator=generator, dtype=dtype)


def to_itself(**keywords):
    return lambda module, x: module(x[0], x[0], x[0], attn_mask=x[1], key_padding_mask=x[2], **keywords)


def to_others(**keywords):
    return lambda module, x: module(x[0], x[1], x[2], attn_mask=x[3], key_padding_mask=x[4], **keywords)


def layers():
    d = {"dtype": F64}
    A = nn.MultiheadAttention
    yield layer("self", lambda: A(6, 2), draw((4, 3, 6), None, None), dtype=F32, call=to_itself())
    yield layer("self without weights", lambda: A(6, 3, **d), draw((4, 3, 6), None, None), call=to_itself(need_weights=False))
    yield layer("self batch first", lambda: A(6, 2, batch_first=True, **d), draw((3, 4, 6), hides(4, 4), hides(3, 4)),
                call=to_itself(need_weights=False))
    yield layer("weights of each head", lambda: A(6, 2, bias=False, **d), draw((4, 3, 6), hides(6, 4, 4), None),
                call=to_itself(average_attn_weights=False))
    yield layer("unbatched", lambda: A(6, 2, **d), draw((4, 6), hides(4, 4), hides(4)), call=to_itself())
    yield layer("key is value", lambda: A(6, 2, **d), draw((4, 3, 6), (5, 3, 6), None, hides(4, 5), hides(3, 5)),
                call=lambda m, x: m(x[0], x[1], x[1], attn_mask=x[3], key_padding_mask=x[4]))
    yield layer("all different", lambda: A(6, 2, batch_first=True, **d), draw((3, 4, 6), (3, 5, 6), (3, 5, 6), adds(4, 5), None),
                call=to_others())
    yield layer("other sizes", lambda: A(6, 2, kdim=5, vdim=4, add_bias_kv=True, **d),
                draw((4, 3, 6), (5, 3, 5), (5, 3, 4), hides(6, 4, 5), hides(3, 5)), call=to_others(average_attn_weights=False))
    yield layer("more keys", lambda: A(6, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True, **d),
                draw((3, 4, 6), hides(4, 4), hides(3, 4)), call=to_itself())
    yield layer("more keys without weights", lambda: A(6, 2, bias=False, add_zero_attn=True, vdim=4, **d),
                draw((4, 3, 6), (5, 3, 6), (5, 3, 4), None, None), call=to_others(need_weights=False))
    yield layer("dropout", lambda: A(6, 2, dropout=0.4, **d), draw((4, 3, 6), None, None), steps=2,
                call=to_itself(need_weights=False))


def prints():
    return {
        "plain": nn.MultiheadAttention(6, 2),
        "other sizes": nn.MultiheadAttention(6, 2, 0.1, bias=False, kdim=3, add_bias_kv=True),
    }
