"""Layers of tests/nn/prune_test.cpp: see ../layer_cases.py.

"pruned": the state of a layer of fixed weights after some prunings, which draw from one seed.
"""

import torch
from torch import nn
from torch.nn.utils import prune

from layer_cases import F32, F64, dump_state, layer


def linear(n, m, dtype=F64):
    module = nn.Linear(m, n, dtype=dtype)
    count = n * m
    with torch.no_grad():  # no two of one magnitude
        module.weight.copy_(((torch.arange(count) * 7 + 3) % count + 1).view(n, m).double() * 0.1 * (-1) ** torch.arange(count).view(n, m))
        module.bias.copy_(torch.arange(n) * 0.5 - 1.25)
    return module


def conv(dtype=F64):
    module = nn.Conv2d(2, 3, 2, dtype=dtype)
    with torch.no_grad():
        module.weight.copy_((((torch.arange(24) * 5 + 1) % 24 + 1).double() * 0.1).view(3, 2, 2, 2))
        module.bias.zero_()
    return module



def recipes():
    w = "weight"
    yield "identity", linear, [lambda m: prune.identity(m, w)]
    yield "l1 fraction", linear, [lambda m: prune.l1_unstructured(m, w, 0.3)]
    yield "l1 count", linear, [lambda m: prune.l1_unstructured(m, w, 5)]
    yield "l1 nothing", linear, [lambda m: prune.l1_unstructured(m, w, 0.0)]
    yield "l1 everything", linear, [lambda m: prune.l1_unstructured(m, w, 1.0)]
    yield "l1 thrice", linear, [lambda m: prune.l1_unstructured(m, w, 0.3) for _ in range(3)]
    yield "l1 half", linear, [lambda m: prune.l1_unstructured(m, "bias", 0.5)]
    yield "l1 scores", linear, [lambda m: prune.l1_unstructured(m, w, 0.5, importance_scores=1 / m.weight.detach())]
    yield "random", linear, [lambda m: prune.random_unstructured(m, w, 0.4)]
    yield "random twice", linear, [lambda m: prune.random_unstructured(m, w, 4), lambda m: prune.random_unstructured(m, w, 0.5)]
    yield "random structured", linear, [lambda m: prune.random_structured(m, w, 0.5, 1)]
    yield "random structured twice", linear, [lambda m: prune.random_structured(m, w, 1, dim=-1) for _ in range(2)]
    for n in (1, 2, float("inf"), float("-inf")):
        yield f"ln {n}", linear, [lambda m, n=n: prune.ln_structured(m, w, 0.34, n, 0)]
    yield "ln of planes", conv, [lambda m: prune.ln_structured(m, w, 1, 2, dim=1)]
    yield "ln twice", conv, [lambda m: prune.ln_structured(m, w, 0.4, 2, dim=0), lambda m: prune.ln_structured(m, w, 1, 2, 0)]
    yield "ln after l1", linear, [lambda m: prune.l1_unstructured(m, w, 5), lambda m: prune.ln_structured(m, w, 1, 2, 0)]
    yield "l1 after ln", linear, [lambda m: prune.ln_structured(m, w, 1, 1, 1), lambda m: prune.l1_unstructured(m, w, 3)]
    mask = torch.tensor([[1, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 0]])
    yield "mask", linear, [lambda m: prune.custom_from_mask(m, w, mask)]
    yield "mask after l1", linear, [lambda m: prune.l1_unstructured(m, w, 4), lambda m: prune.custom_from_mask(m, w, mask)]
    yield "both", linear, [lambda m: prune.l1_unstructured(m, w, 2), lambda m: prune.random_unstructured(m, "bias", 1)]


def pruned():
    for name, make, steps in recipes():
        for dtype in (F64, F32):
            module = make(dtype=dtype) if make is conv else linear(3, 4, dtype)
            torch.manual_seed(9)
            for step in steps:
                step(module)
            yield {"name": name, "dtype": str(dtype).split(".")[1], "state": dump_state(module.state_dict().items())}
    for method, args in ((prune.L1Unstructured, {"amount": 0.4}), (prune.RandomUnstructured, {"amount": 7})):
        a, b = linear(3, 4), linear(2, 3)
        b.weight.detach().mul_(1.03)  # no two of one magnitude
        prune.l1_unstructured(b, "weight", 2)
        torch.manual_seed(9)
        prune.global_unstructured([(a, "weight"), (b, "weight"), (a, "bias")], method, **args)
        yield {"name": f"global {method.__name__}", "dtype": "float64",
               "state": dump_state([*a.state_dict(prefix="a.").items(), *b.state_dict(prefix="b.").items()])}


def layers():
    def made(*steps):
        def make():
            module = linear(3, 4)
            torch.manual_seed(9)
            for step in steps:
                step(module)
            return module
        return make
    yield layer("pruned linear", made(lambda m: prune.l1_unstructured(m, "weight", 0.5)), (2, 4), steps=2)
    yield layer("pruned twice", made(lambda m: prune.random_unstructured(m, "weight", 3),
                                     lambda m: prune.l1_unstructured(m, "bias", 1)), (2, 4), steps=2)


def prints():
    return {"pruned": prune.l1_unstructured(nn.Linear(4, 5), "weight", 0.5),
            "pruned convolution": prune.identity(nn.Conv2d(1, 2, 3), "weight")}
