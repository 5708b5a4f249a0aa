"""Golden values of torch.optim: writes optim.json beside this file.

"optimizers": parameters after each of 20 steps, under option sets of every optimizer; the gradients are drawn once, and
the second parameter has none at every fourth step. "groups": the same with options of their own for each parameter.
"lbfgs": parameters after each step on two functions. "schedules": the rates of two groups, and their momentum where it
is cycled, when the schedule is made and after each of 50 steps. "plateau": the same for ReduceLROnPlateau.

Made with PyTorch 1.13 (CPU): python3 make_optim.py
What PyTorch has added or corrected since then is written out below, after the documentation of PyTorch 2.9 and the papers:
Adafactor, Muon (whose iteration PyTorch rounds to bfloat16, which is left out here), decoupled weight decay, maximize
where it was missing, and NAdam, which counted its momentum twice in 1.13.
"""

import inspect
import json
import math
import pathlib

import torch
from torch.optim import lr_scheduler, swa_utils

STEPS = 20
SHAPES = [(2, 3), (4,)]

ADAM = [
    {},
    {"betas": [0.8, 0.95], "eps": 1e-3},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"weight_decay": 0.05, "amsgrad": True, "maximize": True},
    {"betas": [0.0, 0.0], "weight_decay": 0.0},
]
DECOUPLED = [
    {},
    {"betas": [0.8, 0.95], "eps": 1e-3},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "decoupled_weight_decay": True},
    {"weight_decay": 0.1, "maximize": True},
]
OPTIMIZERS = {
    "SGD": [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.8, "nesterov": True},
        {"weight_decay": 0.1, "maximize": True},
        {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True, "maximize": True},
    ],
    "Adam": ADAM + [{"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "AdamW": ADAM,
    "Adamax": [{}, {"betas": [0.8, 0.9], "eps": 1e-2}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}],
    "NAdam": DECOUPLED + [{"momentum_decay": 0.1}],
    "RAdam": DECOUPLED,
    "RMSprop": [
        {},
        {"alpha": 0.9, "eps": 1e-3},
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ],
    "Adagrad": [
        {},
        {"lr_decay": 0.1, "eps": 1e-3},
        {"initial_accumulator_value": 0.5, "weight_decay": 0.1},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "Adadelta": [{}, {"rho": 0.5, "eps": 1e-3}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}],
    "Adafactor": [
        {},
        {"beta2_decay": -0.5, "d": 2.0},
        {"eps1": 1e-3, "eps2": 0.5},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "ASGD": [
        {},
        {"lambd": 0.1, "alpha": 0.5},
        {"t0": 5.0, "weight_decay": 0.1},
        {"t0": 0.0, "lambd": 0.01, "maximize": True},
    ],
    "Rprop": [{}, {"etas": [0.3, 1.5]}, {"step_sizes": [0.02, 0.06]}, {"maximize": True}],
    "Muon": [
        {},
        {"momentum": 0.5, "nesterov": False},
        {"weight_decay": 0.5, "ns_steps": 3, "adjust_lr_fn": 1},
        {"ns_coefficients": [2.0, -1.5, 0.5], "eps": 10.0},
    ],
}

# --- what PyTorch 1.13 has not: step(parameter, gradient, state, options), in f64 ---


def nadam(p, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False):
    t = state["t"]
    if decoupled_weight_decay:
        p.mul_(1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    mu = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = betas[0] * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    state["product"] = state.get("product", 1.0) * mu
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g * g
    root = (v / (1 - betas[1] ** t)).sqrt() + eps
    p.sub_(lr * (1 - mu) / (1 - state["product"]) * g / root)
    p.sub_(lr * mu_next / (1 - state["product"] * mu_next) * m / root)


def radam(p, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False):
    t = state["t"]
    if decoupled_weight_decay:
        p.mul_(1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g * g
    m_hat = m / (1 - betas[0] ** t)
    longest = 2 / (1 - betas[1]) - 1
    length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
    if length > 5:
        rectify = math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        m_hat = m_hat * rectify * math.sqrt(1 - betas[1] ** t) / (v.sqrt() + eps)
    p.sub_(lr * m_hat)


def adafactor(p, g, state, lr, beta2_decay=-0.8, eps1=None, eps2=1e-3, d=1.0, weight_decay=0.0):
    t = state["t"]
    eps1 = torch.finfo(p.dtype).eps if eps1 is None else eps1
    weight = t ** beta2_decay
    step_size = max(eps2, p.square().mean().sqrt().item()) * min(lr, 1 / math.sqrt(t))
    p.mul_(1 - lr * weight_decay)

    def average(name, value):
        state[name] = (1 - weight) * state.get(name, 0) + weight * value
        return state[name]

    if g.dim() > 1:
        rows = average("rows", g.square().mean(-1, keepdim=True))
        columns = average("columns", g.square().mean(-2, keepdim=True))
        v = rows * columns / rows.mean(-2, keepdim=True).clamp(min=eps1)
    else:
        v = average("v", g.square())
    update = g / v.sqrt().clamp(min=eps1)
    p.sub_(step_size * update / max(1.0, update.square().mean().sqrt().item() / d))


def muon(p, g, state, lr, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.7750, 2.0315),
         eps=1e-7, ns_steps=5, adjust_lr_fn=0):
    b = state["b"] = momentum * state.get("b", 0) + (1 - momentum) * g
    x = (1 - momentum) * g + momentum * b if nesterov else b
    if x.shape[0] > x.shape[1]:
        x = x.T
    x = x / max(x.norm().item(), eps)
    for _ in range(ns_steps):
        gram = x @ x.T
        x = ns_coefficients[0] * x + (ns_coefficients[1] * gram + ns_coefficients[2] * gram @ gram) @ x
    if p.shape[0] > p.shape[1]:
        x = x.T
    ratio = [math.sqrt(max(1, p.shape[0] / p.shape[1])), 0.2 * math.sqrt(max(p.shape))][adjust_lr_fn]
    p.mul_(1 - lr * weight_decay).sub_(lr * ratio * x)


WRITTEN_OUT = {"NAdam": nadam, "RAdam": radam, "Adafactor": adafactor, "Muon": muon}


class WrittenOut:
    def __init__(self, rule, parameters, maximize=False, **options):
        self.rule, self.parameters, self.sign, self.options = rule, parameters, -1 if maximize else 1, options
        self.states = [{"t": 0} for _ in parameters]

    def step(self):
        with torch.no_grad():
            for p, state in zip(self.parameters, self.states):
                if p.grad is not None:
                    state["t"] += 1
                    self.rule(p, self.sign * p.grad, state, **self.options)


def make(kind, parameters, lr, options):
    options = dict(options)
    if kind in ("NAdam", "Adafactor", "Muon") or (kind == "RAdam" and options.keys() & {"maximize", "decoupled_weight_decay"}):
        return WrittenOut(WRITTEN_OUT[kind], parameters, lr=lr, **options)
    if kind == "Adam" and options.pop("decoupled_weight_decay", False):
        kind = "AdamW"
    constructor = getattr(torch.optim, kind)
    if "foreach" in inspect.signature(constructor).parameters:
        options["foreach"] = False
    return constructor(parameters, lr=lr, **options)


def has_gradient(parameter, step):
    return parameter == 0 or step % 4 != 3


def follow(optimizers, parameters, grads):
    after = []
    for step in range(STEPS):
        for i, p in enumerate(parameters):
            p.grad = grads[step][i].clone() if has_gradient(i, step) else None
        for optimizer in optimizers:
            optimizer.step()
        after.append([p.reshape(-1).tolist() for p in parameters])
    return after


def optimizer_case(kind, options, start, grads):
    parameters = [t.clone().requires_grad_() for t in start]
    if kind == "Muon":  # only the matrix
        parameters = parameters[:1]
    return {"kind": kind, "options": options, "after": follow([make(kind, parameters, 0.05, options)], parameters, grads)}


def group_case(kind, options, start, grads):
    parameters = [t.clone().requires_grad_() for t in start]
    optimizers = [make(kind, [p], o.pop("lr"), o) for p, o in zip(parameters, [dict(o) for o in options])]
    return {"kind": kind, "options": options, "after": follow(optimizers, parameters, grads)}


GROUPS = [
    ("SGD", [{"lr": 0.05, "momentum": 0.9}, {"lr": 0.2, "weight_decay": 0.1}]),
    ("AdamW", [{"lr": 0.05, "amsgrad": True}, {"lr": 0.01, "betas": [0.5, 0.9], "weight_decay": 0.3}]),
    ("RMSprop", [{"lr": 0.05, "centered": True}, {"lr": 0.02, "momentum": 0.9}]),
]

# --- L-BFGS ---

FUNCTIONS = {
    "bowl": lambda x: ((torch.arange(1.0, 11.0) * (x - 0.5).square()).sum() + 0.1 * (x ** 4).sum()),
    "valley": lambda x: (10 * (x[1:] - x[:-1].square()).square() + (1 - x[:-1]).square()).sum(),
}
LBFGS = [
    ("bowl", 4, {"max_iter": 4}),
    ("bowl", 4, {"lr": 0.5, "max_iter": 6, "history_size": 2}),
    ("bowl", 3, {"max_iter": 5, "line_search_fn": 1}),
    ("bowl", 3, {"line_search_fn": 1, "tolerance_grad": 1e-3, "tolerance_change": 1e-6}),
    ("valley", 6, {"max_iter": 4, "line_search_fn": 1, "history_size": 5}),
    ("valley", 4, {"max_iter": 10, "max_eval": 6, "line_search_fn": 1}),
    ("valley", 3, {"lr": 0.01, "max_iter": 3}),
]


def lbfgs_case(function, steps, options, start):
    parameters = [t.clone().requires_grad_() for t in start]
    given = dict(options)
    if given.pop("line_search_fn", 0):
        given["line_search_fn"] = "strong_wolfe"
    optimizer = torch.optim.LBFGS(parameters, **given)
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = FUNCTIONS[function](torch.cat([p.reshape(-1) for p in parameters]))
        loss.backward()
        return loss

    after, losses, evaluations = [], [], []
    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
        after.append([p.reshape(-1).tolist() for p in parameters])
        evaluations.append(calls)
    return {"kind": "LBFGS", "function": function, "options": options, "after": after, "losses": losses,
            "evaluations": evaluations}


# --- schedules ---

LAMBDAS = {"power": lambda e: 0.95 ** e, "inverse": lambda e: 1 / (1 + e), "wave": lambda e: 1 + 0.1 * math.sin(e)}
SCALES = {"half": lambda x: 0.5 ** (x - 1), "slow": lambda x: 1 / (1 + 0.01 * x)}
SCHEDULES = [
    ("LambdaLR", {"lr_lambda": ["power"]}),
    ("LambdaLR", {"lr_lambda": ["inverse", "wave"]}),
    ("MultiplicativeLR", {"lr_lambda": ["wave"]}),
    ("MultiplicativeLR", {"lr_lambda": ["inverse", "wave"]}),
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("StepLR", {"step_size": 1, "gamma": 1.1}),
    ("StepLR", {"step_size": 60}),
    ("MultiStepLR", {"milestones": [5, 12, 12, 30]}),
    ("MultiStepLR", {"milestones": [30, 7], "gamma": 0.5}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 20}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 30}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 40, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 50}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.05}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": [0.5], "step_size_up": 5}),
    ("CyclicLR", {"base_lr": [0.1, 0.2], "max_lr": [0.5, 0.4], "step_size_up": 4, "step_size_down": 9, "mode": 1}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": [0.5], "step_size_up": 6, "mode": 2, "gamma": 0.97,
                  "base_momentum": [0.7, 0.6], "max_momentum": [0.9, 0.95]}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": [0.5], "step_size_up": 6, "scale_fn": "half"}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": [0.5], "step_size_up": 6, "scale_fn": "slow", "scale_mode": 1,
                  "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": [0.5], "total_steps": 50}),
    ("OneCycleLR", {"max_lr": [0.5, 0.3], "epochs": 10, "steps_per_epoch": 5, "anneal_strategy": 1, "pct_start": 0.4}),
    ("OneCycleLR", {"max_lr": [0.5], "total_steps": 60, "three_phase": True, "div_factor": 10.0,
                    "final_div_factor": 100.0, "base_momentum": [0.8], "max_momentum": [0.99, 0.9]}),
    ("OneCycleLR", {"max_lr": [0.5], "total_steps": 70, "cycle_momentum": False}),
    ("SWALR", {"swa_lr": [0.05]}),
    ("SWALR", {"swa_lr": [0.02, 0.6], "anneal_epochs": 20, "anneal_strategy": 1}),
    ("SWALR", {"swa_lr": [0.3], "anneal_epochs": 0}),
    ("ChainedScheduler", {"schedulers": [["ConstantLR", {"factor": 0.1, "total_iters": 4}], ["ExponentialLR", {"gamma": 0.9}]]}),
    ("ChainedScheduler", {"schedulers": [["LinearLR", {"total_iters": 10}], ["CosineAnnealingLR", {"T_max": 30}],
                                         ["StepLR", {"step_size": 9, "gamma": 0.5}]]}),
    ("SequentialLR", {"schedulers": [["ConstantLR", {"factor": 0.1, "total_iters": 2}], ["ExponentialLR", {"gamma": 0.9}]],
                      "milestones": [5]}),
    ("SequentialLR", {"schedulers": [["LinearLR", {"total_iters": 8}], ["CosineAnnealingLR", {"T_max": 20}],
                                     ["PolynomialLR", {"total_iters": 10, "power": 2.0}]], "milestones": [8, 28]}),
    ("SequentialLR", {"schedulers": [["LinearLR", {"start_factor": 0.01, "total_iters": 10}],
                                     ["CosineAnnealingWarmRestarts", {"T_0": 8}]], "milestones": [10]}),
    ("SequentialLR", {"schedulers": [["MultiStepLR", {"milestones": [3]}], ["StepLR", {"step_size": 4}],
                                     ["ConstantLR", {}], ["LinearLR", {}]], "milestones": [6, 20, 35]}),
]


def one_or_all(values):
    return values[0] if len(values) == 1 else values


def make_schedule(kind, options, optimizer):
    o = dict(options)
    for key in ("swa_lr", "base_lr", "max_lr", "base_momentum", "max_momentum"):
        if key in o:
            o[key] = one_or_all(o[key])
    if "lr_lambda" in o:
        o["lr_lambda"] = one_or_all([LAMBDAS[name] for name in o["lr_lambda"]])
    if "scale_fn" in o:
        o["scale_fn"] = SCALES[o["scale_fn"]]
    for key, names in {"mode": ["triangular", "triangular2", "exp_range"], "scale_mode": ["cycle", "iterations"],
                       "anneal_strategy": ["cos", "linear"]}.items():
        if key in o:
            o[key] = names[o[key]]
    if "schedulers" in o:
        o["schedulers"] = [make_schedule(k, inner, optimizer) for k, inner in o["schedulers"]]
    if kind == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(**o)
    return getattr(swa_utils if kind == "SWALR" else lr_scheduler, kind)(optimizer, **o)


def two_groups():
    return torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": 0.4},
                            {"params": [torch.zeros(1, requires_grad=True)], "lr": 0.1}], lr=0.4, momentum=0.9)


def read(optimizer, key):
    return [group[key] for group in optimizer.param_groups]


def schedule_case(kind, options):
    optimizer = two_groups()
    schedule = make_schedule(kind, options, optimizer)
    rates, momenta = [read(optimizer, "lr")], [read(optimizer, "momentum")]
    for _ in range(50):
        optimizer.step()
        schedule.step()
        rates.append(read(optimizer, "lr"))
        momenta.append(read(optimizer, "momentum"))
    out = {"kind": kind, "options": options, "rates": rates}
    if any(m != [0.9, 0.9] for m in momenta):
        out["momenta"] = momenta
    return out


PLATEAU = [
    {"patience": 2},
    {"mode": 1, "patience": 1, "factor": 0.5, "cooldown": 3},
    {"patience": 0, "threshold": 0.05, "threshold_mode": 1, "min_lr": [0.01, 0.05], "factor": 0.7},
    {"mode": 1, "patience": 3, "threshold": 0.1, "threshold_mode": 1, "eps": 0.02},
    {"patience": 2, "threshold": 0.1, "min_lr": [0.02]},
]


def plateau_case(options, metrics):
    optimizer = two_groups()
    o = dict(options)
    if "min_lr" in o:
        o["min_lr"] = one_or_all(o["min_lr"])
    for key, names in {"mode": ["min", "max"], "threshold_mode": ["rel", "abs"]}.items():
        if key in o:
            o[key] = names[o[key]]
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, **o)
    rates = []
    for metric in metrics:
        schedule.step(metric)
        rates.append(read(optimizer, "lr"))
    return {"kind": "ReduceLROnPlateau", "options": options, "rates": rates}


def main():
    torch.set_default_dtype(torch.float64)  # scalars of state too, as in Mica
    torch.manual_seed(0)
    start = [torch.randn(s) for s in SHAPES]
    grads = [[torch.randn(s) for s in SHAPES] for _ in range(STEPS)]
    flat = [[g.reshape(-1).tolist() if has_gradient(i, s) else None for i, g in enumerate(row)]
            for s, row in enumerate(grads)]
    metrics = [round(1 / (1 + 0.2 * i) + 0.05 * math.sin(2.0 * i), 4) for i in range(50)]
    golden = {
        "shapes": SHAPES,
        "start": [t.reshape(-1).tolist() for t in start],
        "grads": flat,
        "optimizers": [optimizer_case(k, o, start, grads) for k, sets in OPTIMIZERS.items() for o in sets],
        "groups": [group_case(k, o, start, grads) for k, o in GROUPS],
        "lbfgs": [lbfgs_case(f, n, o, start) for f, n, o in LBFGS],
        "schedules": [schedule_case(k, o) for k, o in SCHEDULES],
        "metrics": metrics,
        "plateau": [plateau_case(o, metrics) for o in PLATEAU],
    }
    lines = []
    for key, value in golden.items():
        text = json.dumps(value, separators=(",", ":"))
        lines.append(f'"{key}":' + text.replace(',{"kind"', ',\n{"kind"'))
    pathlib.Path(__file__).with_name("optim.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
