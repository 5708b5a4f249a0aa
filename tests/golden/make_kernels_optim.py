#!/usr/bin/env python3
"""Writes kernels_optim.json: 20 steps of torch.optim's SGD, Adam and AdamW on six doubles.

The gradient of step s (from 0) is grads[s]; parameters are listed after steps 1, 2 and 20. Run it in this
directory with a Python that has torch.
"""

import json

import torch

STEPS = 20
torch.manual_seed(0)
start = torch.randn(6, dtype=torch.double)
grads = torch.randn(STEPS, 6, dtype=torch.double)
grads[:, 5] = 0  # a parameter without gradient: only weight decay moves it

SGD = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True, "maximize": True},
    {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.05, "maximize": True},
]
ADAM = [
    {},
    {"betas": (0.8, 0.95), "eps": 1e-3},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"weight_decay": 0.05, "amsgrad": True, "maximize": True},
]


def run(kind, options):
    param = start.clone().requires_grad_()
    optimizer = getattr(torch.optim, kind)([param], lr=0.05, foreach=False, **options)
    after = []
    for step in range(STEPS):
        param.grad = grads[step].clone()
        optimizer.step()
        if step + 1 in (1, 2, STEPS):
            after.append(param.tolist())
    options = {"lr": 0.05, **options}
    return {"kind": kind, "options": options, "after": after}


cases = [run("SGD", o) for o in SGD] + [run(k, o) for k in ("Adam", "AdamW") for o in ADAM]
with open("kernels_optim.json", "w") as out:
    json.dump({"start": start.tolist(), "grads": grads.tolist(), "cases": cases}, out, indent=1)
    out.write("\n")
