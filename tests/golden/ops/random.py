"""Cases of the operations in tests/ops/random_test.cpp: see ../torch_cases.py. ../make_random.py has the exact ones.

Every case seeds the generator itself. What is drawn depends on the order of memory, so tensors that are drawn into are
described by their sizes and layout instead of being inputs.
"""

import torch

from torch_cases import DTYPES, F64, case, pack, uniform


def target(sizes, dtype, layout):
    """Memory of zeros in a layout of tests/ops/layouts.h."""
    if layout == "transposed":
        return torch.zeros(sizes[::-1], dtype=dtype).permute(list(reversed(range(len(sizes)))))
    if layout == "stepped":
        x = torch.zeros([2 * n for n in sizes], dtype=dtype)
        return x[tuple(slice(1, None, 2) for _ in sizes)]
    return torch.zeros(sizes, dtype=dtype)


def seeded(op, fn, args, seed=0):
    def run():
        torch.manual_seed(seed)
        return fn()
    return case(op, run, [], {"seed": seed, **args}, grad=False)


def over_dtypes(op, fn, args):
    for name, dtype in DTYPES.items():
        given = {**args, "dtype": name}
        try:
            entry = seeded(op, lambda: fn(dtype), given)
        except RuntimeError:
            entry = {"op": op, "args": {"seed": 0, **given}, "in": [], "refused": True}
        yield {**entry, "sweep": name}


def cases():
    for seed in (0, 7, 2**40 + 3):
        for name, sizes in (("f32", [3, 5]), ("f64", [2, 9]), ("f32", [17]), ("f64", []), ("f32", [0, 2])):
            dtype = DTYPES[name]
            args = {"sizes": sizes, "dtype": name}
            for op in ("rand", "randn"):
                yield seeded(op, lambda: getattr(torch, op)(sizes, dtype=dtype), args, seed)
        yield seeded("randint", lambda: torch.randint(-3, 50, (2, 4)), {"low": -3, "high": 50, "sizes": [2, 4]}, seed)
        yield seeded("randperm", lambda: torch.randperm(9), {"n": 9}, seed)
    yield seeded("randint", lambda: torch.randint(-2**61, 2**62, (5,)), {"low": -2**61, "high": 2**62, "sizes": [5]})
    for n in (0, 1, 100):
        yield seeded("randperm", lambda: torch.randperm(n), {"n": n})
    for op in ("rand", "randn"):
        for size in (4, 20):
            yield from over_dtypes(op, lambda dtype: getattr(torch, op)(size, dtype=dtype), {"sizes": [size]})
    yield from over_dtypes("randint", lambda dtype: torch.randint(0, 2, (6,), dtype=dtype), {"low": 0, "high": 2, "sizes": [6]})
    yield from over_dtypes("randint", lambda dtype: torch.randint(3, 90, (6,), dtype=dtype), {"low": 3, "high": 90, "sizes": [6]})
    yield from over_dtypes("randperm", lambda dtype: torch.randperm(6, dtype=dtype), {"n": 6})

    for layout in ("contiguous", "transposed", "stepped"):
        for sizes in ([3, 4], [2, 3, 4], [20], [0, 3], []):
            where = {"sizes": sizes, "layout": layout}
            for op, args, fn in (
                ("uniform_", {"from": -1.5, "to": 0.5}, lambda x: x.uniform_(-1.5, 0.5)),
                ("normal_", {"mean": 2.0, "std": 0.5}, lambda x: x.normal_(2.0, 0.5)),
                ("bernoulli_", {"p": 0.3}, lambda x: x.bernoulli_(0.3)),
                ("exponential_", {"lambda": 1.5}, lambda x: x.exponential_(1.5)),
                ("random_", {"low": -5, "high": 2**33}, lambda x: x.random_(-5, 2**33)),
                ("random_", {}, lambda x: x.random_()),
                ("rand_like", {}, torch.rand_like),
                ("randn_like", {}, torch.randn_like),
                ("randint_like", {"low": -4, "high": 9}, lambda x: torch.randint_like(x, -4, 9)),
            ):
                yield seeded(op, lambda: fn(target(sizes, F64, layout)), {**args, **where, "dtype": "f64"}, 3)
            p = uniform(0, 1, *sizes)
            for op, fn in (("bernoulli", torch.bernoulli), ("bernoulli_of_", lambda p: torch.zeros(sizes, dtype=F64).bernoulli_(p))):
                yield seeded(op, lambda: fn(target(sizes, F64, layout).copy_(p)), {"p": pack(p), "layout": layout, "dtype": "f64"})

    where = {"sizes": [3, 7], "layout": "contiguous"}
    for op, args, fn in (
        ("uniform_", {"from": -1, "to": 2}, lambda x: x.uniform_(-1, 2)),
        ("normal_", {"mean": 1, "std": 3}, lambda x: x.normal_(1, 3)),
        ("bernoulli_", {"p": 0.6}, lambda x: x.bernoulli_(0.6)),
        ("exponential_", {"lambda": 2}, lambda x: x.exponential_(2)),
        ("random_", {"low": 0, "high": 2}, lambda x: x.random_(0, 2)),
        ("random_", {}, lambda x: x.random_()),
        ("rand_like", {}, torch.rand_like),
        ("randn_like", {}, torch.randn_like),
        ("randint_like", {"low": 0, "high": 2}, lambda x: torch.randint_like(x, 0, 2)),
    ):
        yield from over_dtypes(op, lambda dtype: fn(torch.zeros(3, 7, dtype=dtype)), {**args, **where})
    p = uniform(0, 1, 3, 4)
    yield from over_dtypes("bernoulli", lambda dtype: torch.bernoulli(p.to(dtype)), {"p": pack(p), "layout": "contiguous"})
    yield from over_dtypes("bernoulli_of_", lambda dtype: torch.zeros(3, 4, dtype=dtype).bernoulli_(p),
                           {"p": pack(p), "layout": "contiguous"})

    for n in (3, 40):
        yield seeded("normal", lambda: torch.normal(-1.0, 2.5, (n,)), {"mean": -1.0, "std": 2.5, "sizes": [n], "dtype": "f32"})
    yield from over_dtypes("normal", lambda dtype: torch.normal(0.5, 2.0, (20,), dtype=dtype),
                           {"mean": 0.5, "std": 2.0, "sizes": [20]})
    mean, std = uniform(-3, 3, 4, 1), uniform(0.1, 2, 5)
    yield seeded("normal_tensors", lambda: torch.normal(mean.expand(4, 5).contiguous(), std), {"mean": pack(mean), "std": pack(std)})
    yield seeded("normal_tensor", lambda: torch.normal(mean, 1.5), {"mean": pack(mean), "std": 1.5})

    weights = uniform(0, 1, 3, 6)
    weights[1, 2] = weights[2, 0] = 0
    for w, samples, replacement in ((weights, 4, False), (weights, 1, True), (weights, 20, True), (weights[0], 6, False),
                                    (weights[1], 7, True), (weights[0:0], 2, False), (weights[0:0], 2, True)):
        yield seeded("multinomial", lambda: torch.multinomial(w, samples, replacement),
                     {"weights": pack(w), "samples": samples, "replacement": replacement, "dtype": "f64"}, 5)
    for replacement in (False, True):
        yield from over_dtypes("multinomial", lambda dtype: torch.multinomial(weights[0].to(dtype), 3, replacement),
                               {"weights": pack(weights[0]), "samples": 3, "replacement": replacement})
