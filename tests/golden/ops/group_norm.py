"""Cases of the operations in tests/ops/group_norm_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, case, floating_only, integers, pack, randn, sweep, uniform

BF16, F16 = torch.bfloat16, torch.float16


def rms_norm(x, shape, weight=None, eps=None):
    """That of PyTorch 2.4, which 1.13 has not got yet."""
    if not x.is_floating_point():
        raise NotImplementedError
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    wide = x.to(F32) if x.dtype in (BF16, F16) else x
    y = (wide * torch.rsqrt(wide.square().mean(tuple(range(-len(shape), 0)), keepdim=True) + eps)).to(x.dtype)
    return y if weight is None else y * weight


def cases():
    for sizes, groups in (((2, 6), 3), ((2, 6), 6), ((3, 4, 5), 2), ((1, 4, 3), 4), ((2, 4, 2, 3), 1), ((2, 4, 2, 1, 2), 2),
                          ((2, 3, 1), 3), ((0, 4, 3), 2), ((2, 4, 0), 2)):
        args = {"groups": groups, "eps": 1e-3}
        c = sizes[1]
        fn = lambda x, w, b: F.group_norm(x, groups, w, b, 1e-3)
        has_gradient = sizes[-1] > 0  # 1.13 has NaN for those of weights that met nothing
        yield case("group_norm", fn, [randn(*sizes), randn(c), randn(c)], args, grad=has_gradient)
        yield case("group_norm", fn, [randn(*sizes), None, None], args)
        yield case("group_norm", fn, [randn(*sizes), randn(c), None], args, grad=has_gradient)
    yield case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), [randn(2, 4, 3, dtype=F32), randn(4, dtype=F32), randn(4, dtype=F32)],
               {"groups": 2, "eps": 1e-5})
    def of_groups(x, w, b):
        if x.dtype == w.dtype == b.dtype == BF16:  # 1.13 rounds what is in between to bf16: rounded from f32 instead
            return F.group_norm(x.to(F32), 2, w.to(F32), b.to(F32), 0).to(BF16)
        return F.group_norm(x, 2, w, b, 0)

    # PyTorch rounds the statistics of bf16 to bf16: these have round ones
    rows = torch.tensor([[1, 3, 1, 3], [3, 1, 3, 1], [0, 4, 4, 0], [4, 0, 0, 4], [3, 5, 3, 5], [5, 3, 5, 3], [2, 6, 6, 2], [6, 2, 2, 6]])
    numbers = [rows.view(2, 4, 4), torch.tensor([1, 2, 4, 1]), integers(0, 4, 4)]
    for positions in (None, [0], [1], [2]):
        inputs = numbers if positions is None else [x.to(F32) for x in numbers]
        yield from sweep("group_norm", of_groups, inputs, {"groups": 2, "eps": 0}, positions=positions)

    for sizes in ((2, 3, 4), (1, 3, 2, 2), (2, 3, 2, 1, 3), (2, 3, 0), (0, 3, 4)):
        for own in (True, False):
            for affine in (True, False):
                mean, var = randn(3), uniform(0.5, 2, 3)
                args = {"own": own, "momentum": 0.3, "eps": 1e-3, "mean": pack(mean), "var": pack(var)}

                def run(x, w, b):
                    m, v = mean.clone(), var.clone()
                    y = F.instance_norm(x, m, v, w, b, own, 0.3, 1e-3)
                    return y, m, v

                if sizes[0] > 0 and sizes[-1] > 0:
                    yield case("instance_norm", run, [randn(*sizes), randn(3) if affine else None, randn(3) if affine else None], args)
        if sizes[0] > 0:
            yield case("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b), [randn(*sizes), randn(3), randn(3)],
                       {"own": True, "momentum": 0.1, "eps": 1e-5})
    f32 = [randn(2, 3, 2, 4, dtype=F32), randn(3, dtype=F32), randn(3, dtype=F32)]
    own = {"own": True, "momentum": 0.1, "eps": 1e-5}
    yield case("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b), f32, own)
    numbers = [rows[:6].view(2, 3, 4), torch.tensor([1, 2, 4]), integers(0, 4, 3)]
    for positions in (None, [0], [1], [2]):
        inputs = numbers if positions is None else [x.to(F32) for x in numbers]
        yield from sweep("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b), inputs, own, positions=positions)

    for sizes, shape in (((4, 6), (6,)), ((2, 3, 4), (3, 4)), ((5,), (5,)), ((0, 3), (3,))):
        args = {"shape": list(shape)}
        yield case("rms_norm", lambda x, w: rms_norm(x, shape, w), [randn(*sizes), randn(*shape)], args)
        yield case("rms_norm", lambda x, w: rms_norm(x, shape, w), [randn(*sizes), None], args)
        yield case("rms_norm", lambda x, w: rms_norm(x, shape, w, 0.1), [randn(*sizes), randn(*shape)], {**args, "eps": 0.1})
    yield case("rms_norm", lambda x, w: rms_norm(x, (4,), w), [randn(2, 4, dtype=F32), randn(4, dtype=F32)], {"shape": [4]})
    tiny = torch.full((1, 2), 1e-3, dtype=F32)
    for dtype in (F32, BF16, F16):  # the epsilon of the dtype counts
        yield case("rms_norm", lambda x: rms_norm(x, (2,)), [tiny.to(dtype)], {"shape": [2]}, grad=False)
    rows = [torch.tensor([[1, 7], [3, -1]]), torch.tensor([2, 3])]
    yield from sweep("rms_norm", lambda x, w: rms_norm(x, (2,), w), rows, {"shape": [2]})

    for sizes in ((2, 5, 3), (1, 4, 2, 3), (1, 3, 2, 1, 2), (0, 3, 2)):
        for size in (1, 2, 3, 5):
            yield case("local_response_norm", lambda x: F.local_response_norm(x, size), [randn(*sizes)], {"size": size})
    yield case("local_response_norm", lambda x: F.local_response_norm(x, 3, alpha=0.5, beta=1.5, k=2.0), [randn(2, 5, 3)],
               {"size": 3, "alpha": 0.5, "beta": 1.5, "k": 2.0})
    yield case("local_response_norm", lambda x: F.local_response_norm(x, 2, alpha=0.5), [randn(2, 5, 3, dtype=F32)],
               {"size": 2, "alpha": 0.5})
    yield from sweep("local_response_norm", floating_only(lambda x: F.local_response_norm(x, 3)), [integers(0, 5, 1, 3, 2)], {"size": 3})
