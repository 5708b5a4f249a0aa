"""Golden values of PyTorch's CPU generator: writes random.json beside this file.

Floating-point numbers are stored as the integers of their bits, so that the comparison is exact. Each case is a
sequence of calls on one freshly seeded generator: what a call leaves behind (position in the twister's block, cached
second normal) shows in the calls after it. Long results are thinned: first, last, and every `step`-th value.

Made with PyTorch 1.13 (CPU, without MKL): python3 make_random.py
"""

import json
import pathlib

import torch

SEEDS = [0, 3, 42, 67280421310721, 2**32 + 7, 2**63 + 12345]
KEEP = 24


def thin(values):
    """Keeps about KEEP values spread over the list, always with the first and the last."""
    step = max(1, (len(values) - 1) // KEEP)
    indices = sorted(set(range(0, len(values), step)) | {len(values) - 1}) if values else []
    return {"indices": indices, "values": [values[i] for i in indices]} if step > 1 else {"values": values}


def bits(tensor):
    integers = {torch.float32: torch.int32, torch.float64: torch.int64}
    if tensor.dtype in integers:
        tensor = tensor.view(integers[tensor.dtype])
    return [int(v) for v in tensor.to(torch.int64)]


def call(op, dtype, n, a=0.0, b=1.0):
    """One call: the operation, its arguments and PyTorch's result."""
    if op == "uniform":
        out = torch.empty(n, dtype=dtype).uniform_(a, b)
    elif op == "normal":
        out = torch.empty(n, dtype=dtype).normal_(a, b)
    elif op == "bernoulli":
        out = torch.empty(n, dtype=dtype).bernoulli_(a).to(torch.int64)
    elif op == "randint":
        out = torch.randint(a, b, (n,), dtype=dtype)
    elif op == "randperm":
        out = torch.randperm(n, dtype=dtype)
    return {"op": op, "dtype": str(dtype).split(".")[1], "n": n, "a": a, "b": b, **thin(bits(out))}


def cases():
    f32, f64, i64 = torch.float32, torch.float64, torch.int64
    for seed in SEEDS:
        yield seed, [("uniform", f32, 5), ("uniform", f64, 5), ("uniform", f32, 2000), ("uniform", f64, 701)]
        yield seed, [("uniform", f32, 40, -0.3, 1.7), ("uniform", f64, 40, -2.5, 0.1)]
        yield seed, [("randint", i64, 8, -5, 100), ("randint", i64, 700, 0, 2**32 - 1), ("randint", i64, 8, 0, 2**32),
                     ("randint", i64, 8, -(2**62), 2**62 + 2**61)]
        yield seed, [("randperm", i64, n) for n in (0, 1, 2, 10, 1000)]
        yield seed, [("bernoulli", f32, 30, p) for p in (0.0, 0.1, 0.5, 1.0)] + [("uniform", f32, 2)]
        yield seed, [("bernoulli", f64, 30, 0.3), ("bernoulli", f32, 700, 0.9), ("uniform", f32, 2)]
        # Under 16 values the second normal of a pair outlives the call.
        yield seed, [("normal", f64, 5), ("normal", f32, 3), ("normal", f64, 5, 2.0, 0.5), ("normal", f32, 16),
                     ("normal", f32, 15, -1.0, 3.0), ("normal", f64, 3)]
        yield seed, [("normal", dtype, n) for dtype in (f32, f64) for n in (16, 17, 31, 33, 1000)]


def main():
    golden = []
    for seed, calls in cases():
        torch.manual_seed(seed if seed < 2**63 else seed - 2**64)
        golden.append({"seed": seed, "calls": [call(*arguments) for arguments in calls]})
    path = pathlib.Path(__file__).with_name("random.json")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in golden)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
