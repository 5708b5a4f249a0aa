"""Golden values of PyTorch's layers: writes nn.json beside this file.

"layers": each layer is made under a seed (its state is what initialisation drew), trained for some steps with given
inputs, and used once in evaluation. A step gives the output, and the gradients of sum(output * weight) for the input
and every parameter. "print": print(model) of the models that tests/nn/print_test.cpp builds. "init": torch.nn.init.

Made with PyTorch 1.13 (CPU): python3 make_nn.py
"""

import json
import pathlib

import torch
from torch import nn

F32, F64 = torch.float32, torch.float64


def dump(tensor):
    """{shape, values}; nine digits tell all f32 apart, seventeen all f64."""
    digits = 9 if tensor.dtype == F32 else 17
    values = [float(f"{v:.{digits}g}") for v in tensor.detach().reshape(-1).tolist()]
    return {"shape": list(tensor.shape), "values": values}


def dump_state(named):
    return {name: dump(tensor) for name, tensor in named}


def layer(name, make, shape, steps=1, dtype=F64, draw=torch.randn, scale=1.0):
    """One case. `shape` is the input's; integers come from `draw` and get no gradient."""
    torch.manual_seed(7)
    module = make()
    case = {"name": name, "dtype": str(dtype).split(".")[1], "initial": dump_state(module.state_dict().items())}
    inputs = torch.Generator().manual_seed(11)

    def new_input():
        x = draw(shape, generator=inputs, dtype=dtype) if draw is torch.randn else draw(shape, inputs)
        return x * scale if x.is_floating_point() else x

    torch.manual_seed(5)
    case["steps"] = []
    for _ in range(steps):
        x = new_input()
        step = {"input": dump(x)}
        if x.is_floating_point():
            x.requires_grad_()
        y = module(x)
        weight = torch.randn(y.shape, generator=inputs, dtype=dtype)
        step |= {"weight": dump(weight), "output": dump(y)}
        module.zero_grad()
        if y.requires_grad:
            (y * weight).sum().backward()
        if x.is_floating_point():
            step["grad_input"] = dump(x.grad)
        step["grads"] = dump_state((n, p.grad) for n, p in module.named_parameters())
        case["steps"].append(step)
    case["buffers"] = dump_state(module.named_buffers())
    module.eval()
    x = new_input()
    case["eval"] = {"input": dump(x), "output": dump(module(x))}
    return case


def layers():
    d = {"dtype": F64}
    yield layer("linear", lambda: nn.Linear(5, 3), (4, 5), dtype=F32)
    yield layer("linear f64", lambda: nn.Linear(4, 2, **d), (2, 3, 4))
    yield layer("linear without bias", lambda: nn.Linear(5, 3, bias=False, **d), (4, 5))
    yield layer("linear of a vector", lambda: nn.Linear(5, 3, **d), (5,))

    yield layer("conv", lambda: nn.Conv2d(2, 3, 3), (2, 2, 5, 4), dtype=F32)
    yield layer("conv of all options",
                lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, **d),
                (2, 2, 5, 4))
    yield layer("conv without bias", lambda: nn.Conv2d(3, 2, 2, stride=2, bias=False, **d), (1, 3, 5, 5))
    yield layer("conv without batch", lambda: nn.Conv2d(2, 3, 3, padding=1, **d), (2, 4, 3))

    norm = {"steps": 3, "scale": 2.0}
    yield layer("batch norm of vectors", lambda: nn.BatchNorm1d(3, **d), (4, 3), **norm)
    yield layer("batch norm of sequences", lambda: nn.BatchNorm1d(3, momentum=0.3, eps=0.01, **d), (2, 3, 4), **norm)
    yield layer("batch norm of planes", lambda: nn.BatchNorm2d(2, **d), (3, 2, 2, 3), **norm)
    yield layer("batch norm in f32", lambda: nn.BatchNorm2d(2), (3, 2, 2, 3), dtype=F32, **norm)
    yield layer("batch norm averaging", lambda: nn.BatchNorm1d(3, momentum=None, **d), (4, 3), **norm)
    yield layer("batch norm not affine", lambda: nn.BatchNorm2d(2, affine=False, **d), (3, 2, 2, 2), **norm)
    yield layer("batch norm not tracking", lambda: nn.BatchNorm1d(3, track_running_stats=False, **d), (4, 3), **norm)

    yield layer("layer norm", lambda: nn.LayerNorm(6), (2, 2, 6), dtype=F32)
    yield layer("layer norm of planes", lambda: nn.LayerNorm((2, 3), eps=0.1, **d), (3, 2, 3))
    yield layer("layer norm not affine", lambda: nn.LayerNorm(6, elementwise_affine=False, **d), (3, 6))

    plane = (1, 2, 5, 6)
    yield layer("max pool", lambda: nn.MaxPool2d(2), plane)
    yield layer("max pool of all options",
                lambda: nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=True), plane)
    yield layer("avg pool", lambda: nn.AvgPool2d(2), plane)
    yield layer("avg pool of all options",
                lambda: nn.AvgPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True, count_include_pad=False), plane)
    yield layer("avg pool with divisor", lambda: nn.AvgPool2d(2, stride=1, divisor_override=3), (2, 4, 3))

    for kind in (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU):
        yield layer(kind.__name__, kind, (3, 5), scale=3.0)
    yield layer("GELU tanh", lambda: nn.GELU(approximate="tanh"), (3, 5), scale=3.0)

    for p in (0.0, 0.1, 0.5, 1.0):
        yield layer(f"dropout {p}", lambda p=p: nn.Dropout(p), (4, 6), steps=2, dtype=F32)

    def numbers(shape, generator):
        return torch.randint(0, 6, shape, generator=generator)

    yield layer("embedding", lambda: nn.Embedding(6, 3, **d), (2, 4), draw=numbers)
    yield layer("embedding with padding", lambda: nn.Embedding(6, 4, padding_idx=-2), (9,), draw=numbers, dtype=F32)

    yield layer("flatten", nn.Flatten, (2, 3, 2))
    yield layer("flatten some", lambda: nn.Flatten(0, 1), (2, 3, 2))
    yield layer("sequential",
                lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 2))),
                (3, 4), dtype=F32)


def init():
    calls = {
        "uniform_": lambda x: nn.init.uniform_(x, -2, 3),
        "normal_": lambda x: nn.init.normal_(x, 1, 0.5),
        "constant_": lambda x: nn.init.constant_(x, 0.25),
        "kaiming_uniform_": lambda x: nn.init.kaiming_uniform_(x, a=0.2),
        "xavier_uniform_": lambda x: nn.init.xavier_uniform_(x, gain=1.5),
    }
    for name, fill in calls.items():
        for dtype in (F32, F64):
            torch.manual_seed(3)
            yield {"name": name, "dtype": str(dtype).split(".")[1], "result": dump(fill(torch.empty(4, 3, 2, dtype=dtype)))}


class ModuleList(nn.ModuleList):
    """nn.ModuleList, printed as PyTorch 2 does: a run of neighbours that print alike is shown once."""

    def _get_name(self):
        return "ModuleList"

    def __repr__(self):
        runs = []  # [first, last, text]
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return "ModuleList()"
        names = [f"({a}): " if a == b else f"({a}-{b}): {b - a + 1} x " for a, b, _ in runs]
        lines = [f"{name}{text}".replace("\n", "\n  ") for name, (_, _, text) in zip(names, runs)]
        return "\n  ".join(["ModuleList(", *lines]) + "\n)"


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.fc = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.drop = nn.Dropout(0.1)

    def extra_repr(self):  # plain members are shown
        return f"dim={self.dim}"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(8, 4)
        self.blocks = ModuleList([Block(4), Block(4), Block(4), Block(6), Block(4)])
        self.heads = nn.ModuleDict({"aux": nn.Linear(4, 1), "main": nn.Sequential(nn.Linear(4, 2), nn.ReLU())})
        self.none = ModuleList()
        self.mixed = ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(), nn.Tanh()])
        self.nested = ModuleList([ModuleList([nn.ReLU(), nn.ReLU()]), ModuleList([nn.ReLU(), nn.ReLU()])])

    def extra_repr(self):
        return "width=4, rate=0.5, wide=True, label='a net'"


class Leaf(nn.Module):
    def extra_repr(self):
        return "scale=2.0, tiny=1e-05, large=1e+16, count=-3, on=False"


def prints():
    return {
        "net": Net(),
        "leaf": Leaf(),
        "linear": nn.Linear(4, 5),
        "linear without bias": nn.Linear(4, 5, bias=False),
        "identity": nn.Identity(),
        "conv": nn.Conv2d(1, 2, 3),
        "conv of all options": nn.Conv2d(4, 6, (3, 1), (1, 2), (0, 1), (2, 3), 2, False),
        "conv padded": nn.Conv2d(4, 6, 5, padding=2),
        "batch norm 1d": nn.BatchNorm1d(3),
        "batch norm 1d of all options": nn.BatchNorm1d(3, 0.001, None, False, False),
        "batch norm 2d": nn.BatchNorm2d(3, momentum=1.0),
        "layer norm": nn.LayerNorm(6),
        "layer norm of planes": nn.LayerNorm((3, 4), eps=1.0, elementwise_affine=False),
        "max pool": nn.MaxPool2d(2),
        "max pool of all options": nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2), ceil_mode=True),
        "avg pool": nn.AvgPool2d(3, padding=1),
        "avg pool of all options": nn.AvgPool2d((3, 2), (2, 1), (1, 0), True, False),
        "relu": nn.ReLU(),
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "gelu": nn.GELU(),
        "gelu tanh": nn.GELU("tanh"),
        "dropout": nn.Dropout(),
        "dropout 0.25": nn.Dropout(0.25),
        "embedding": nn.Embedding(10, 3),
        "embedding with padding": nn.Embedding(10, 3, padding_idx=-1),
        "flatten": nn.Flatten(),
        "flatten some": nn.Flatten(0, 2),
        "empty sequential": nn.Sequential(),
        "sequential": nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(4, 2))),
    }


def main():
    golden = {"layers": list(layers()), "init": list(init()), "print": {k: repr(m) for k, m in prints().items()}}
    path = pathlib.Path(__file__).with_name("nn.json")
    parts = []
    for section, content in golden.items():
        if isinstance(content, dict):
            lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in content.items()]
            parts.append(f'"{section}": {{\n' + ",\n".join(lines) + "\n}")
        else:
            lines = [json.dumps(case, separators=(",", ":")) for case in content]
            parts.append(f'"{section}": [\n' + ",\n".join(lines) + "\n]")
    path.write_text("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
