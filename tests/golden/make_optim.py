"""Golden values of torch.optim: writes optim.json beside this file.

"optimizers": two parameters after each of 20 steps, under option sets of SGD, Adam and AdamW; the gradients are drawn
once, and the second parameter has none at every fourth step. "schedules": the rates after each of 50 steps.

Made with PyTorch 1.13 (CPU): python3 make_optim.py
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler

STEPS = 20
SHAPES = [(2, 3), (4,)]

SGD = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1, "maximize": True},
    {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True, "maximize": True},
]
ADAM = [
    {},
    {"betas": [0.8, 0.95], "eps": 1e-3},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"weight_decay": 0.05, "amsgrad": True, "maximize": True},
    {"betas": [0.0, 0.0], "weight_decay": 0.0},
]
SCHEDULES = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("StepLR", {"step_size": 1, "gamma": 1.1}),
    ("StepLR", {"step_size": 60}),
    ("CosineAnnealingLR", {"T_max": 50}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.2}),
]


def has_gradient(parameter, step):
    return parameter == 0 or step % 4 != 3


def optimizer_case(kind, options, start, grads):
    parameters = [t.clone().requires_grad_() for t in start]
    optimizer = getattr(torch.optim, kind)(parameters, lr=0.05, foreach=False, **options)
    after = []
    for step in range(STEPS):
        for i, p in enumerate(parameters):
            p.grad = grads[step][i].clone() if has_gradient(i, step) else None
        optimizer.step()
        after.append([p.reshape(-1).tolist() for p in parameters])
    return {"kind": kind, "options": options, "after": after}


def schedule_case(kind, options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    schedule = getattr(lr_scheduler, kind)(optimizer, **options)
    rates = []
    for _ in range(50):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return {"kind": kind, "options": options, "rates": rates}


def main():
    torch.manual_seed(0)
    start = [torch.randn(s, dtype=torch.float64) for s in SHAPES]
    grads = [[torch.randn(s, dtype=torch.float64) for s in SHAPES] for _ in range(STEPS)]
    flat = [[g.reshape(-1).tolist() if has_gradient(i, s) else None for i, g in enumerate(row)]
            for s, row in enumerate(grads)]
    runs = [("SGD", o) for o in SGD] + [(k, o) for k in ("Adam", "AdamW") for o in ADAM]
    golden = {
        "shapes": SHAPES,
        "start": [t.reshape(-1).tolist() for t in start],
        "grads": flat,
        "optimizers": [optimizer_case(k, o, start, grads) for k, o in runs],
        "schedules": [schedule_case(k, o) for k, o in SCHEDULES],
    }
    lines = []
    for key, value in golden.items():
        text = json.dumps(value, separators=(",", ":"))
        lines.append(f'"{key}":' + text.replace(',{"kind"', ',\n{"kind"'))
    pathlib.Path(__file__).with_name("optim.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
