"""Cases of the operations in tests/ops/fractional_pool_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, case, floating_only, integers, pack, randn, sweep


def stored(options):
    """Sizes as lists, ratios as a tensor."""
    lists = {k: list(v) if isinstance(v, tuple) else [v] for k, v in options.items()}
    return {k: pack(torch.tensor(v, dtype=F64)) if k == "output_ratio" else v for k, v in lists.items()}


def cases():
    for dims, shapes, options in (
            (2, [(2, 2, 6, 7), (2, 7, 6)],
             [{"kernel": 2, "output_size": (3, 4)}, {"kernel": (3, 2), "output_ratio": (0.5, 0.75)},
              {"kernel": 2, "output_size": 1}]),
            (3, [(1, 2, 4, 5, 6), (2, 4, 5, 6)],
             [{"kernel": 2, "output_size": (2, 3, 4)}, {"kernel": (1, 2, 3), "output_ratio": 0.5}])):
        fn = getattr(F, f"fractional_max_pool{dims}d")
        for indices in (False, True):
            name = f"fractional_max_pool{dims}d" + ("_with_indices" if indices else "")
            for o in options:
                rest = {k: v for k, v in o.items() if k != "kernel"}

                def run(x, samples=None):
                    torch.manual_seed(4)
                    return fn(x, o["kernel"], return_indices=indices, _random_samples=samples, **rest)

                for shape, dtype in zip(shapes, (F64, F32)):
                    yield case(name, run, [randn(*shape, dtype=dtype)], stored(o))
                torch.manual_seed(4)
                samples = torch.rand(*shapes[0][:2], dims, dtype=F64)
                entry = case(name, lambda x, s: run(x, s.detach()), [randn(*shapes[0]), samples], stored(o))
                yield entry
            torch.manual_seed(4)
            yield from sweep(name, floating_only(lambda x: (torch.manual_seed(4), fn(x, 2, output_size=2,
                                                                                  return_indices=indices))[1]),
                             [integers(0, 9, 1, *[4] * dims)], {"kernel": [2], "output_size": [2]})
