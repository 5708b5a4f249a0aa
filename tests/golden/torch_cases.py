"""What make_ops.py and make_tensor.py share: random inputs, how tensors are stored, and the running of a case.

A tensor is {d: dtype, s: sizes, v: values}; NaN and infinities are strings. A case is {op, args, in: tensors, out:
tensors, grad: gradients of the inputs}. Gradients are those of sum(out * direction) over all floating-point outputs,
where element i of every direction is (7 i mod 11 - 5) / 4: a formula that both sides evaluate exactly. `null` stands
for no gradient. A case with "sweep" is one of a series over all dtypes; one with "refused" is an error in PyTorch,
where Mica may throw or know better (PyTorch's CPU lacks many functions for narrow floats).
"""

import json
import math
import pathlib

import torch

DTYPES = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16, "f16": torch.float16, "i64": torch.int64,
          "i32": torch.int32, "u8": torch.uint8, "bool": torch.bool}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
F64, F32, I64, I32, U8, BOOL = (DTYPES[n] for n in ("f64", "f32", "i64", "i32", "u8", "bool"))
NAN, INF = math.nan, math.inf
random = torch.Generator().manual_seed(20)


def randn(*sizes, dtype=F64):
    """Normal numbers of three decimals, so that they are short in the file."""
    return (torch.round(torch.randn(sizes, generator=random, dtype=F64) * 1000) / 1000).to(dtype)


def uniform(low, high, *sizes, dtype=F64):
    return (torch.round((torch.rand(sizes, generator=random, dtype=F64) * (high - low) + low) * 1000) / 1000).to(dtype)


def integers(low, high, *sizes, dtype=I64):
    return torch.randint(low, high, sizes, generator=random).to(dtype)


def number(v):
    if isinstance(v, float):
        if math.isnan(v):
            return "nan"
        if math.isinf(v):
            return "inf" if v > 0 else "-inf"
        return int(v) if v == int(v) and abs(v) < 1e15 and math.copysign(1, v) > 0 else v
    return v


def pack(x, digits=17):
    if x is None:
        return None
    x = x.detach()
    values = x.double() if x.is_floating_point() else x.to(I64)
    values = [number(v) for v in values.reshape(-1).tolist()]
    if x.is_floating_point():
        digits = min(digits, 9) if x.dtype == F32 else digits  # nine name an f32
        values = [v if isinstance(v, str) else number(float(f"{v:.{digits}g}")) for v in values]
    return {"d": NAMES[x.dtype], "s": list(x.shape), "v": values}


def direction(y):
    i = torch.arange(y.numel(), dtype=F64)
    return (((7 * i) % 11 - 5) / 4).reshape(y.shape).to(y.dtype)


def case(op, fn, inputs, args=None, grad=True):
    inputs = [x.clone() if x is not None else None for x in inputs]
    for x in inputs:
        if grad and x is not None and x.is_floating_point():
            x.requires_grad_()
    stored = [pack(x) for x in inputs]  # before a case in place changes them
    out = fn(*inputs)
    out = list(out) if isinstance(out, (tuple, list)) else [out]
    entry = {"op": op, "args": args or {}, "in": stored, "out": [pack(y, 14) for y in out]}
    total = [(y * direction(y)).sum() for y in out if y.requires_grad]
    if total:
        sum(total).backward()
        entry["grad"] = [pack(x.grad, 14) if x is not None else None for x in inputs]
    return entry


def sweep(op, fn, inputs, args=None, positions=None):
    """The case for each dtype in turn, given to the inputs at `positions` (default: all)."""
    for name, dtype in DTYPES.items():
        converted = [x.to(dtype) if x is not None and (positions is None or i in positions) else x
                     for i, x in enumerate(inputs)]
        try:
            entry = case(op, fn, converted, args, grad=False)
        except (RuntimeError, IndexError, NotImplementedError):
            entry = {"op": op, "args": args or {}, "in": [pack(x) for x in converted], "refused": True}
        yield {**entry, "sweep": name}


def floating_only(fn):
    """For sweeps of operations that refuse integers in Mica, where PyTorch's CPU takes some of them."""
    def run(x, *rest):
        if not x.is_floating_point():
            raise NotImplementedError
        return fn(x, *rest)
    return run


def write(name, groups):
    """One group after the other, one case a line."""
    parts = []
    for group, cases in groups.items():
        if isinstance(cases, dict):
            parts.append(f'"{group}": {json.dumps(cases, separators=(",", ":"))}')
        else:
            lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
            parts.append(f'"{group}": [\n{lines}\n]')
    (pathlib.Path(__file__).parent / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")
