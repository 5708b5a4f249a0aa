"""Cases of the operations in tests/ops/creation_test.cpp: see ../torch_cases.py."""

import torch

from torch_cases import DTYPES, case, randn


def cases():
    for first, last, step in ((0, 5, 1), (2, 11, 3), (5, 0, -2), (0.0, 1.0, 0.1), (1, 2, 0.25), (3, 3, 1),
                              (2**53, 2**53 + 4, 1), (-1.5, 1.5, 0.5)):
        yield case("arange", lambda: torch.arange(first, last, step), [], {"first": first, "last": last, "step": step})
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 0), (0, 3)):
        yield case("eye", lambda: torch.eye(n, m), [], {"n": n, "m": m})

    def seeded(seed, fn):
        def run():
            torch.manual_seed(seed)
            return fn()
        return run

    for seed in (0, 7, 2**40 + 3):
        for name, sizes in (("f32", [3, 5]), ("f64", [2, 9]), ("f32", [17]), ("f64", [])):
            dtype = DTYPES[name]
            args = {"seed": seed, "sizes": sizes, "dtype": name}
            yield case("rand", seeded(seed, lambda: torch.rand(sizes, dtype=dtype)), [], args)
            yield case("randn", seeded(seed, lambda: torch.randn(sizes, dtype=dtype)), [], args)
        yield case("randint", seeded(seed, lambda: torch.randint(-3, 50, (2, 4))), [],
                   {"seed": seed, "low": -3, "high": 50, "sizes": [2, 4]})
        yield case("randperm", seeded(seed, lambda: torch.randperm(9)), [], {"seed": seed, "n": 9})
