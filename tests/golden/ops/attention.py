"""Cases of tests/ops/attention_test.cpp: see ../torch_cases.py. PyTorch 1.13 has no public function yet: a formula."""

import math

import torch

from torch_cases import BOOL, F32, F64, INF, case, floating_only, integers, randn, sweep


def attention(q, k, v, mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        k = k.repeat_interleave(q.size(-3) // k.size(-3), -3)
        v = v.repeat_interleave(q.size(-3) // v.size(-3), -3)
    scores = torch.matmul(q, k.transpose(-2, -1)) * (scale or 1 / math.sqrt(max(1, q.size(-1))))
    if is_causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=BOOL).triu(1), -INF)
    if mask is not None:
        scores = scores + mask if mask.is_floating_point() else scores.masked_fill(~mask, -INF)
    hidden = (scores == -INF).all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(hidden, 0), -1).masked_fill(hidden, 0)
    return torch.matmul(weights, v)


def cases():
    def one(q, k, v, mask=None, grad=True, **args):
        return case("scaled_dot_product_attention", lambda q, k, v, mask: attention(q, k, v, mask, **args), [q, k, v, mask],
                    args, grad)

    def some(*sizes, dtype=F64, **more):
        q, k, v = sizes
        return one(randn(*q, dtype=dtype), randn(*k, dtype=dtype), randn(*v, dtype=dtype), **more)

    yield some((3, 4), (5, 4), (5, 2))
    yield some((2, 3, 4), (2, 5, 4), (2, 5, 3))
    yield some((2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4))
    yield some((2, 1, 2, 3, 2), (2, 1, 2, 4, 2), (2, 1, 2, 4, 3))
    yield some((2, 1, 3, 4), (3, 5, 4), (5, 2))  # leading dimensions broadcast
    yield some((2, 2, 5, 3), (2, 2, 5, 3), (2, 2, 5, 3), dtype=F32)
    for q, k in ((3, 3), (2, 4), (4, 2)):
        yield some((2, q, 3), (2, k, 3), (2, k, 2), is_causal=True)
    yield some((2, 3, 4), (2, 5, 4), (2, 5, 3), scale=0.3)
    yield some((2, 4, 3, 2), (2, 2, 5, 2), (2, 2, 5, 3), enable_gqa=True)
    yield some((4, 3, 2), (1, 3, 2), (2, 3, 3), enable_gqa=True, is_causal=True)

    allowed = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]], dtype=BOOL)  # query 1 sees nothing
    yield some((2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), mask=allowed)
    yield some((2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), mask=integers(0, 2, 2, 1, 1, 4).to(BOOL))
    yield some((2, 3, 2), (2, 4, 2), (2, 4, 3), mask=integers(0, 2, 2, 3, 4).to(BOOL))
    yield some((2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), mask=randn(3, 4))
    yield some((2, 4, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), mask=randn(4, 1, 4), enable_gqa=True)
    yield some((3, 2), (4, 2), (4, 3), mask=randn(3, 4).masked_fill(~allowed, -INF), grad=False)
    yield some((3, 2), (4, 2), (4, 3), mask=torch.tensor(-0.5, dtype=F64))

    yield some((2, 0, 4), (2, 5, 4), (2, 5, 3))
    yield some((2, 3, 4), (2, 0, 4), (2, 0, 3))
    yield some((0, 3, 4), (0, 5, 4), (0, 5, 3))
    yield some((2, 3, 0), (2, 5, 0), (2, 5, 3))
    yield some((2, 3, 4), (2, 5, 4), (2, 5, 0))
    yield from sweep("scaled_dot_product_attention", floating_only(lambda q, k, v, mask: attention(q.float(), k.float(), v.float()).to(q.dtype)
                     if q.dtype in (torch.float16, torch.bfloat16) else attention(q, k, v)),
                     [integers(0, 3, 2, 3), integers(0, 3, 4, 3), integers(0, 5, 4, 2), None])
