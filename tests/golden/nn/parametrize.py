"""Layers of tests/nn/parametrize_test.cpp: see ../layer_cases.py.

"trained": steps of gradient descent, rate 0.1, on sum(output * weight); the state before and after, the values in
training and afterwards, and the weight that is left when the parametrization is removed.
"""

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from layer_cases import F32, F64, dump, dump_state, layer


class _WeightNorm(nn.Module):
    """That of PyTorch 2.1, which 1.13 has not got yet."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, g, v):
        return torch._weight_norm(v, g, self.dim)

    def right_inverse(self, weight):
        return torch.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    return parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, x):
        return x.triu()


class Scaled(nn.Module):
    def __init__(self, **kwargs):
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.5, **kwargs))

    def forward(self, x):
        return x * self.scale



def chained(module):
    module.parametrizations = nn.ModuleDict()
    original = module.weight
    maps = [Symmetric(), Scaled(dtype=F64)]
    listed = parametrize.ParametrizationList(maps, original)
    del module.weight
    parametrize._inject_new_class(module)
    parametrize._inject_property(module, "weight")
    module.parametrizations["weight"] = listed
    return module


def makers():
    d = {"dtype": F64}
    yield "weight norm", lambda: weight_norm(nn.Linear(3, 2, **d)), (4, 3), {}
    yield "weight norm in f32", lambda: weight_norm(nn.Linear(3, 2)), (4, 3), {"dtype": F32}
    yield "weight norm of columns", lambda: weight_norm(nn.Linear(3, 2, **d), dim=1), (4, 3), {}
    yield "weight norm of all", lambda: weight_norm(nn.Linear(3, 2, **d), dim=None), (4, 3), {}
    yield "weight norm of a convolution", lambda: weight_norm(nn.Conv2d(2, 3, 2, **d), dim=1), (1, 2, 3, 3), {}
    yield "weight norm of a bias", lambda: weight_norm(nn.Linear(3, 2, **d), "bias"), (4, 3), {}
    yield "spectral norm", lambda: parametrizations.spectral_norm(nn.Linear(3, 2, **d)), (4, 3), {}
    yield "spectral norm in f32", lambda: parametrizations.spectral_norm(nn.Linear(3, 2)), (4, 3), {"dtype": F32}
    yield ("spectral norm of all options",
           lambda: parametrizations.spectral_norm(nn.Conv2d(2, 3, 2, **d), n_power_iterations=3, eps=0.01, dim=-3),
           (1, 2, 3, 3), {})
    yield "spectral norm of a bias", lambda: parametrizations.spectral_norm(nn.Linear(3, 2, **d), "bias"), (4, 3), {}
    for trivial in (True, False):
        for kind in ("householder", "matrix_exp", "cayley"):
            for n, m in ((3, 3), (4, 2), (2, 4)):
                yield (f"orthogonal {kind} {n} {m} {trivial}",
                       lambda kind=kind, n=n, m=m, trivial=trivial: parametrizations.orthogonal(
                           nn.Linear(m, n, **d), orthogonal_map=kind, use_trivialization=trivial), (2, m), {})
    yield "orthogonal square", lambda: parametrizations.orthogonal(nn.Linear(2, 2, **d)), (2, 2), {}
    yield "orthogonal wide", lambda: parametrizations.orthogonal(nn.Linear(3, 2, **d)), (2, 3), {}
    yield "orthogonal in f32", lambda: parametrizations.orthogonal(nn.Linear(3, 3)), (2, 3), {"dtype": F32}
    yield "orthogonal batch", lambda: parametrizations.orthogonal(nn.Conv2d(2, 3, (3, 2), **d)), (1, 2, 3, 3), {}
    yield "chain", lambda: chained(nn.Linear(3, 3, **d)), (4, 3), {}


def layers():
    for name, make, shape, options in makers():
        kind = {"weight": "WeightNorm", "spectral": "SpectralNorm", "orthogonal": "Orthogonal"}.get(name.split()[0])
        case = layer(name, make, shape, steps=2 if "orthogonal" not in name else 1, kind=kind, **options)
        yield {**case, "initial_tolerance": 1e-5 if options else 1e-12}


def trained():
    for name, make, shape, options in makers():
        member = "bias" if "bias" in name else "weight"
        torch.manual_seed(7)
        module = make()
        generator = torch.Generator().manual_seed(13)
        dtype = options.get("dtype", F64)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        case = {"name": name, "steps": []}
        for _ in range(3):
            x = torch.randn(shape, generator=generator, dtype=dtype)
            y = module(x)
            weight = torch.randn(y.shape, generator=generator, dtype=dtype)
            optimizer.zero_grad()
            (y * weight).sum().backward()
            optimizer.step()
            case["steps"].append({"input": dump(x), "weight": dump(weight)})
        case["final"] = dump_state(module.state_dict().items())
        module.eval()
        case["value"] = dump(getattr(module, member))
        parametrize.remove_parametrizations(module, member)
        case["removed"] = dump_state(module.state_dict().items())
        yield case


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = weight_norm(nn.Linear(4, 5))
        self.conv = parametrizations.spectral_norm(nn.Conv2d(1, 2, 3))
        self.both = nn.Sequential(parametrizations.orthogonal(nn.Linear(2, 3)), nn.ReLU())


def prints():
    two = weight_norm(nn.Linear(3, 3))
    parametrize.register_parametrization(two, "bias", Scaled())
    return {"net": Net(), "two members": two, "chain": chained(nn.Linear(3, 3, dtype=F64))}
