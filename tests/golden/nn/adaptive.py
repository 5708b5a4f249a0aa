"""Layers of tests/nn/adaptive_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer


def batch(features, classes, *shape):
    return lambda generator, dtype: [torch.randn((*shape, features), generator=generator, dtype=dtype),
                                     torch.randint(0, classes, shape, generator=generator)]


def everything(module, inputs):
    return (*module(*inputs), module.log_prob(inputs[0]), module.predict(inputs[0]))


def layers():
    d = {"dtype": F64}
    new = nn.AdaptiveLogSoftmaxWithLoss
    yield layer("adaptive", lambda: new(8, 12, [3, 7]), batch(8, 12, 6), dtype=F32, call=everything)
    yield layer("adaptive of all options", lambda: new(6, 10, [2, 4, 5], div_value=1.5, head_bias=True, **d), batch(6, 10, 9),
                steps=2, call=everything)
    yield layer("adaptive of the shortlist", lambda: new(4, 10, [8], **d), batch(4, 8, 3), call=everything)
    yield layer("adaptive without batch", lambda: new(4, 10, [2], **d), batch(4, 10))


def prints():
    return {"adaptive": nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], head_bias=True)}
