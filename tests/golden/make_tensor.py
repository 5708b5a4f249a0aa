"""Golden values of type promotion, conversion between dtypes and printing: writes tensor.json. See torch_cases.py.

Made with PyTorch 1.13 (CPU, without MKL): python3 make_tensor.py
"""

import torch

from torch_cases import BOOL, DTYPES, F64, I32, I64, INF, NAMES, NAN, U8, pack, write

# ---- types, text -----------------------------------------------------------------------------------------------------

def promotion():
    """Rows and columns in the order of DTYPES. `null`: PyTorch refuses."""
    def result(fn):
        try:
            return NAMES.get(fn().dtype)
        except RuntimeError:
            return None

    scalars = {"bool": True, "int": 2, "float": 2.5}
    table = {}
    for name in ("add", "mul", "div", "maximum"):
        fn = getattr(torch, name)
        one = {n: torch.ones(2, dtype=d) for n, d in DTYPES.items()}
        zero_dim = {n: torch.ones((), dtype=d) for n, d in DTYPES.items()}
        table[name] = {
            "tensor_tensor": [[result(lambda: fn(one[a], one[b])) for b in DTYPES] for a in DTYPES],
            "tensor_zero_dim": [[result(lambda: fn(one[a], zero_dim[b])) for b in DTYPES] for a in DTYPES],
            "zero_dim_zero_dim": [[result(lambda: fn(zero_dim[a], zero_dim[b])) for b in DTYPES] for a in DTYPES],
        }
        if name != "maximum":
            table[name]["tensor_scalar"] = [[result(lambda: fn(one[a], s)) for s in scalars.values()] for a in DTYPES]
            table[name]["zero_dim_scalar"] = [[result(lambda: fn(zero_dim[a], s)) for s in scalars.values()] for a in DTYPES]
    return table


def conversion():
    """f32 and f64 values in every dtype; integers as bits of the narrow floats."""
    ties = [1.0, 1.00390625, 1.01171875, 1.001953125, 65504.0, 65519.99, 65520.0, 1e-8, 2.0**-24, 2.0**-25, 3 * 2.0**-26,
            6.1e-5, 3.3895e38, 3.4e38, -0.0, 0.1, 1 / 3, NAN, INF, -INF, 1 + 2.0**-9, 1 + 3 * 2.0**-9, 2.0**-133, 2.0**-134]
    whole = [0.0, 0.5, -0.5, 1.99, 2.5, 100.7, 255.0, 127.9]
    out = []
    for source in ("f64", "f32"):
        x = torch.tensor(ties, dtype=F64).to(DTYPES[source])
        for target in ("f64", "f32", "bf16", "f16", "bool"):
            out.append({"in": pack(x), "out": pack(x.to(DTYPES[target]))})
    for source in DTYPES:
        x = torch.tensor(whole, dtype=F64).to(DTYPES[source])
        for target in DTYPES:
            y = x
            if target == "u8" and x.is_floating_point():
                y = x[x > -1]  # what a negative float becomes is up to the machine
            out.append({"in": pack(y), "out": pack(y.to(DTYPES[target]))})
    # Halves, exact ties and their neighbours; subnormals of each narrow type; overflow on both sides.
    edges = [-2.5, -1.5, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-8 + 2.0**-20, 1 + 2.0**-11, 1 + 3 * 2.0**-11,
             1 + 2.0**-11 + 2.0**-22, -65519.0, -65520.0, 2.0**-14 - 2.0**-25, 2.0**-126, 2.0**-127, 3 * 2.0**-134,
             1.17549435e-38, 1e-45, 2.0**-149, 2.0**-150, 3.4028235e38, 3.4028236e38, 3.39e38, 1e39, -1e39, 1e300, 5e-324]
    for source in ("f64", "f32"):
        x = torch.tensor(edges, dtype=F64).to(DTYPES[source])
        for target in ("f64", "f32", "bf16", "f16", "bool"):
            out.append({"in": pack(x), "out": pack(x.to(DTYPES[target]))})
    # Towards zero; what does not fit, and NaN, is the lowest integer on x86; u8 keeps the low bits of negatives.
    for source in ("f64", "f32", "bf16", "f16"):
        x = torch.tensor([-0.999, 0.999, -1.5, 1e9, -1e9, 300.5, -300.5, 2.0**31, -(2.0**31), 3e9, -3e9, 1e19, -1e19, 2.0**63,
                          NAN, INF, -INF], dtype=F64).to(DTYPES[source])
        for target in ("i64", "i32"):
            out.append({"in": pack(x), "out": pack(x.to(DTYPES[target]))})
        y = torch.tensor([-1.0, -1.9, -128.0, -255.0, -256.0, 255.9, 256.0, 300.5, 511.0], dtype=F64).to(DTYPES[source])
        out.append({"in": pack(y), "out": pack(y.to(U8))})
    for source in ("i64", "i32"):  # the nearest number, ties to even; the low bits
        x = torch.tensor([2**24 + 1, 2**24 + 3, -(2**24) - 1, 2**31 - 1, 257, 259, 2049, 2051, 65519, 65520, -1, -255, -256, 256,
                          2**30 + 65], dtype=I64).to(DTYPES[source])
        for target in DTYPES:
            out.append({"in": pack(x), "out": pack(x.to(DTYPES[target]))})
    huge = torch.tensor([2**53 + 1, 2**53 + 3, -(2**53) - 1, 2**63 - 1, -(2**63), 2**62 + 2**38, 2**62 + 2**38 + 1, 2**32 + 5])
    for target in DTYPES:
        out.append({"in": pack(huge), "out": pack(huge.to(DTYPES[target]))})
    big = torch.tensor([2**24 + 1, 2**53 + 1, 2**62 + 3, -(2**40) - 1, 300, -1])
    for target in DTYPES:
        out.append({"in": pack(big), "out": pack(big.to(DTYPES[target]))})
    return out


def printing():
    tensors = [
        torch.tensor(3.14159), torch.tensor(7), torch.tensor(True), torch.tensor(2.0, dtype=F64), torch.tensor(5, dtype=U8),
        torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.5, -2.25, 100.0]), torch.tensor([1, -20, 300]),
        torch.tensor([True, False]), torch.tensor([1e-5, 1.0, 1000.0]), torch.tensor([1e10, 1.0]), torch.tensor([1e-8]),
        torch.tensor([NAN, INF, -INF, 1.0]), torch.tensor([NAN, INF, -INF, 1.5]), torch.tensor([NAN, -INF]),
        torch.tensor([0.0, -0.0]), torch.tensor([0.0, 1e-6]), torch.tensor([12345.678, 0.5]), torch.tensor([1001.0, 1.0]),
        torch.zeros(0), torch.zeros(0, dtype=I64), torch.zeros(2, 0), torch.zeros(0, 3, dtype=BOOL), torch.zeros(0, dtype=F64),
        torch.arange(6.0).reshape(2, 3), torch.arange(8).reshape(2, 2, 2), torch.arange(16).reshape(2, 2, 2, 2),
        torch.arange(30), torch.arange(40.0) / 8, torch.arange(1001), torch.arange(1200.0).reshape(30, 40),
        torch.arange(1320).reshape(11, 4, 30), torch.arange(1320, dtype=F64).reshape(2, 660) / 8,
        torch.tensor([[1.0, NAN], [INF, 0.25]], dtype=F64), torch.tensor([1.5, 2.5], dtype=torch.float16),
        torch.tensor([[1.0]], dtype=torch.bfloat16), torch.tensor([0.1], dtype=torch.bfloat16), torch.tensor([[2**60, -1]]),
        torch.tensor([[True, False], [False, False]]), torch.arange(25, dtype=I32), torch.ones(1, 1, 1), torch.ones(2, 40),
        torch.tensor([1e8, 1e5]), torch.tensor([1.0001e8, 1e6]), torch.tensor([1e-4, 1e-3]), torch.tensor([9.9e-5, 1e-3]),
        torch.tensor([1e300, 1e-300], dtype=F64), torch.tensor([-1.0, -2.0]), torch.tensor([[-1.5], [22.5]]),
        torch.tensor(-0.0), torch.tensor(NAN), torch.tensor(-INF), torch.tensor(1e-5), torch.tensor(1e9), torch.tensor(-7),
        torch.tensor(1e20, dtype=F64), torch.tensor(0.1, dtype=torch.float16), torch.tensor(False),
        torch.tensor([NAN, 1e-5, 1.0]), torch.tensor([INF, 1e9]), torch.tensor([NAN, NAN]), torch.tensor([[NAN, -1], [0, INF]]),
        torch.tensor([-1e-5, 1.0]), torch.tensor([0.0, NAN, 12.5]), torch.tensor([1.0, 1000.0, 1000.5]),
        torch.tensor([65504.0, -1.0], dtype=torch.float16), torch.tensor([3.4e38, 1.0]), torch.tensor([1e-45]),
        torch.tensor([-2**31, 2**31 - 1], dtype=I32), torch.tensor([-2**63, 2**63 - 1]), torch.tensor([255, 0], dtype=U8),
        torch.zeros(0, dtype=U8), torch.zeros(0, dtype=torch.bfloat16), torch.zeros(3, 0, 2, dtype=I32), torch.zeros(1, 0),
        torch.zeros(0, 0, 0, 0), torch.arange(1008).reshape(7, 12, 12), torch.arange(2000).reshape(2, 2, 500),
        torch.arange(2401.0).reshape(7, 7, 7, 7) / 4, torch.arange(1200, dtype=U8).reshape(1200, 1),
        torch.tensor([True, False] * 25), torch.arange(60.0).reshape(2, 30) / 3, torch.arange(24).reshape(2, 3, 4).bool(),
        torch.arange(12, dtype=torch.bfloat16).reshape(3, 4) / 8, torch.arange(1e9, 1e9 + 20, dtype=F64),
        torch.full((3, 11), -1234.5), torch.full((13,), 123.25),
    ]

    def stored(x):  # long ones are multiples of a step
        if x.numel() <= 100:
            return pack(x)
        return {"d": NAMES[x.dtype], "s": list(x.shape), "step": x.reshape(-1)[1].item()}

    plain = [{"in": stored(x), "text": str(x)} for x in tensors]
    options = [
        {"precision": 2}, {"precision": 0}, {"precision": 8}, {"threshold": 5}, {"threshold": 5, "edgeitems": 1},
        {"linewidth": 40}, {"linewidth": 5}, {"linewidth": 200}, {"sci_mode": True},
        {"sci_mode": False}, {"sci_mode": False, "precision": 10}, {"threshold": 0, "edgeitems": 2, "precision": 1},
    ]
    some = [
        torch.tensor(3.14159), torch.tensor([1.5, -2.25, 100.0]), torch.tensor([1e-5, 1.0, 1000.0]), torch.arange(30),
        torch.arange(24.0).reshape(2, 3, 4), torch.tensor([1.0, NAN, INF]), torch.arange(60.0).reshape(6, 10) / 8,
        torch.zeros(2, 0), torch.tensor([True, False] * 4), torch.tensor([[1e-8, 3.0]]),
    ]
    for chosen in options:
        torch.set_printoptions(**chosen)
        plain += [{"in": stored(x), "text": str(x), "options": chosen} for x in some]
        torch.set_printoptions(profile="default", sci_mode=None)
    return plain


def main():
    write("tensor.json", {"promotion": promotion(), "conversion": conversion(), "printing": printing()})


if __name__ == "__main__":
    main()
