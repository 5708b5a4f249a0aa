"""print(model) of the models that tests/nn/print_test.cpp builds."""

from torch import nn


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
