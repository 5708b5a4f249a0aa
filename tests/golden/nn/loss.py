"""Layers of tests/nn/losses_test.cpp: see ../layer_cases.py."""

import torch
from torch import nn

from layer_cases import layer

WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)


def inputs(*kinds):
    """Inputs by their kind: x, a probability, class numbers, signs."""
    def draw(generator, dtype):
        def one(kind):
            normal = torch.randn(3, 4, generator=generator, dtype=dtype)
            if kind == "p":
                return torch.sigmoid(normal)
            if kind == "classes":
                return torch.randint(0, 4, (3,), generator=generator)
            if kind == "labels":
                return torch.randint(-1, 4, (3, 4), generator=generator)
            if kind == "signs":
                return torch.randint(0, 2, (3, 4), generator=generator) * 2 - 1
            if kind == "sign":
                return torch.randint(0, 2, (3,), generator=generator) * 2 - 1
            return normal
        return [one(kind) for kind in kinds]
    return draw


def ctc(module, xs):
    return module(nn.functional.log_softmax(xs[0].unsqueeze(1), -1), torch.tensor([[1, 2]]), torch.tensor([3]), torch.tensor([2]))


CASES = {
    "L1Loss": (nn.L1Loss, "xx"),
    "MSELoss sum": (lambda: nn.MSELoss(reduction="sum"), "xx"),
    "SmoothL1Loss": (lambda: nn.SmoothL1Loss(reduction="none", beta=0.3), "xx"),
    "HuberLoss": (lambda: nn.HuberLoss(delta=0.3), "xx"),
    "CrossEntropyLoss": (lambda: nn.CrossEntropyLoss(weight=WEIGHT.clone(), ignore_index=1, label_smoothing=0.1), ("x", "classes")),
    "NLLLoss": (lambda: nn.NLLLoss(weight=WEIGHT.clone(), ignore_index=1), ("x", "classes")),
    "NLLLoss plain": (lambda: nn.NLLLoss(reduction="none"), ("x", "classes")),
    "PoissonNLLLoss": (lambda: nn.PoissonNLLLoss(log_input=False, full=True, eps=0.1), "pp"),
    "GaussianNLLLoss": (lambda: nn.GaussianNLLLoss(full=True, eps=0.2), "xxp"),
    "GaussianNLLLoss plain": (nn.GaussianNLLLoss, "xxp"),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean", log_target=True), "xx"),
    "BCELoss": (lambda: nn.BCELoss(weight=WEIGHT.clone()), "pp"),
    "BCEWithLogitsLoss": (lambda: nn.BCEWithLogitsLoss(weight=WEIGHT.clone(), pos_weight=WEIGHT.flip(0).clone()), "xp"),
    "SoftMarginLoss": (nn.SoftMarginLoss, ("x", "signs")),
    "HingeEmbeddingLoss": (lambda: nn.HingeEmbeddingLoss(margin=0.5), ("x", "signs")),
    "MultiMarginLoss": (lambda: nn.MultiMarginLoss(p=2, margin=0.5, weight=WEIGHT.clone()), ("x", "classes")),
    "MultiLabelMarginLoss": (lambda: nn.MultiLabelMarginLoss(reduction="sum"), ("x", "labels")),
    "MultiLabelSoftMarginLoss": (lambda: nn.MultiLabelSoftMarginLoss(weight=WEIGHT.clone()), "xp"),
    "CosineEmbeddingLoss": (lambda: nn.CosineEmbeddingLoss(margin=0.2), ("x", "x", "sign")),
    "MarginRankingLoss": (lambda: nn.MarginRankingLoss(margin=0.2), ("x", "x", "signs")),
    "TripletMarginLoss": (lambda: nn.TripletMarginLoss(margin=2.0, p=3.0, eps=0.1, swap=True), "xxx"),
    "TripletMarginWithDistanceLoss": (
        lambda: nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).square().sum(-1), margin=2.0, swap=True), "xxx"),
}


def layers():
    for name, (make, kinds) in CASES.items():
        yield layer(name, make, inputs(*kinds))
    yield layer("CTCLoss", lambda: nn.CTCLoss(blank=3, zero_infinity=True), (3, 4), call=ctc)


def prints():
    return {name: make() for name, (make, _) in CASES.items()} | {"CTCLoss": nn.CTCLoss()}
