"""Golden values of PyTorch's CPU generator: writes random.json, random_tensors.json and
initial_weights.json beside this file.

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
    integers = {torch.float32: torch.int32, torch.float64: torch.int64, torch.float16: torch.int16,
                torch.bfloat16: torch.int16}
    if tensor.dtype in integers:
        tensor = tensor.view(integers[tensor.dtype])
    return [int(v) for v in tensor.to(torch.int64)]


def call(op, dtype, n, a=0.0, b=1.0):
    """One call: the operation, its arguments and PyTorch's result."""
    if op == "uniform":
        out = torch.empty(n, dtype=dtype).uniform_(a, b)
    elif op == "normal":
        out = torch.empty(n, dtype=dtype).normal_(a, b)
    elif op == "exponential":
        out = torch.empty(n, dtype=dtype).exponential_(a)
    elif op == "random":
        out = torch.empty(n, dtype=dtype).random_()
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
        for dtype in (torch.bfloat16, torch.float16):
            yield seed, [("uniform", dtype, 20), ("uniform", dtype, 20, -0.3, 1.7), ("normal", dtype, 7),
                         ("normal", dtype, 20), ("normal", dtype, 33, 2.0, 0.5), ("normal", dtype, 2)]
        for dtype in (f32, f64, torch.bfloat16, torch.float16):
            yield seed, [("exponential", dtype, 20, 1.0), ("exponential", dtype, 700, 2.5), ("exponential", dtype, 5, 0.1)]
        for dtype in (f32, f64, torch.bfloat16, torch.float16, i64, torch.int32, torch.uint8, torch.bool):
            yield seed, [("random", dtype, 12), ("random", dtype, 3)]


def tensor_cases():
    """Draws into memory that is not in row-major order, and from probabilities: what is drawn follows the memory."""
    def strided(layout, *sizes, dtype=torch.float64):
        if layout == "transposed":
            return torch.zeros(sizes[::-1], dtype=dtype).permute(*reversed(range(len(sizes))))
        if layout == "stepped":
            return torch.zeros([2 * n for n in sizes], dtype=dtype)[tuple(slice(1, None, 2) for _ in sizes)]
        if layout == "swapped":  # the first and the second dimension
            return torch.zeros(sizes[1], sizes[0], *sizes[2:], dtype=dtype).transpose(0, 1)
        return torch.zeros(sizes, dtype=dtype)

    draws = {
        "uniform_": lambda x: x.uniform_(),
        "normal_": lambda x: x.normal_(),
        "exponential_": lambda x: x.exponential_(),
        "bernoulli_": lambda x: x.bernoulli_(0.4),
        "random_": lambda x: x.random_(0, 1000),
        "rand_like": torch.rand_like,
        "randn_like": torch.randn_like,
        "bernoulli": lambda x: torch.bernoulli(x + 0.3),
    }
    for seed in SEEDS[:2]:
        for layout in ("contiguous", "transposed", "stepped", "swapped"):
            for name, draw in draws.items():
                for dtype in (torch.float32, torch.float64):
                    torch.manual_seed(seed)
                    x = draw(strided(layout, 2, 3, 5, dtype=dtype))
                    yield {"seed": seed, "op": name, "layout": layout, "dtype": str(dtype).split(".")[1],
                           "values": bits(x.reshape(-1))}


def layer_cases():
    """The weights that layers start from."""
    layers = {
        "linear": lambda n, m: torch.nn.Linear(n, m),
        "conv2d": lambda n, m: torch.nn.Conv2d(n, m, 3),
        "embedding": lambda n, m: torch.nn.Embedding(n, m),
    }
    for seed in SEEDS[:3]:
        for name, make in layers.items():
            for sizes in ((3, 4), (5, 3), (17, 31)):
                torch.manual_seed(seed)
                parameters = {key: thin(bits(p.detach().reshape(-1))) for key, p in make(*sizes).named_parameters()}
                yield {"seed": seed, "layer": name, "sizes": sizes, "parameters": parameters}


def write(name, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    pathlib.Path(__file__).with_name(name).write_text(f"[\n{lines}\n]\n")


def main():
    golden = []
    for seed, calls in cases():
        torch.manual_seed(seed if seed < 2**63 else seed - 2**64)
        golden.append({"seed": seed, "calls": [call(*arguments) for arguments in calls]})
    write("random.json", golden)
    write("random_tensors.json", tensor_cases())
    write("initial_weights.json", layer_cases())


if __name__ == "__main__":
    main()
