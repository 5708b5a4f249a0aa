"""Layers of tests/nn/embedding_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import F32, F64, layer


def numbers(shape, generator):
    return torch.randint(0, 6, shape, generator=generator)


def layers():
    d = {"dtype": F64}
    yield layer("embedding", lambda: nn.Embedding(6, 3, **d), (2, 4), draw=numbers)
    yield layer("embedding with padding", lambda: nn.Embedding(6, 4, padding_idx=-2), (9,), draw=numbers, dtype=F32)
    yield layer("embedding of all options",
                lambda: nn.Embedding(6, 3, padding_idx=1, max_norm=1.0, norm_type=1.5, scale_grad_by_freq=True, **d), (3, 4),
                draw=numbers, steps=2)

    def flat(generator, _):
        return [numbers((7,), generator), torch.tensor([0, 3, 3])]

    def flat_with_end(generator, _):
        return [numbers((7,), generator), torch.tensor([0, 3, 3, 7])]

    def weighted(generator, dtype):
        return [numbers((7,), generator), torch.tensor([0, 3, 3]), torch.randn(7, generator=generator, dtype=dtype)]
    yield layer("bag", lambda: nn.EmbeddingBag(6, 3), (2, 4), draw=numbers, dtype=F32)
    for mode in ("sum", "mean", "max"):
        yield layer(f"bag {mode}", lambda: nn.EmbeddingBag(6, 3, mode=mode, padding_idx=2, **d), (2, 4), draw=numbers)
        yield layer(f"bag {mode} with offsets", lambda: nn.EmbeddingBag(6, 3, mode=mode, **d), flat)
    yield layer("bag of all options",
                lambda: nn.EmbeddingBag(6, 3, 1.0, 1.5, False, "sum", include_last_offset=True, padding_idx=-1, **d),
                flat_with_end, steps=2)
    yield layer("bag weighted", lambda: nn.EmbeddingBag(6, 3, mode="sum", **d), weighted)


def prints():
    return {"embedding of all options": nn.Embedding(6, 3, 1, 1.0, 1.5, True), "bag": nn.EmbeddingBag(6, 3),
            "bag of all options": nn.EmbeddingBag(6, 3, 2.5, 1.0, True, "sum", padding_idx=-1)}
