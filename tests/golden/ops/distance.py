"""Cases of the operations in tests/ops/distance_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, case, floating_only, integers, randn, sweep


def cases():
    for args in ({}, {"p": 1.0}, {"p": 3.5, "eps": 0.1, "keepdim": True}, {"p": INF, "eps": 0.0}, {"p": 0.5}):
        named = {**args, "p": "inf"} if args.get("p") == INF else args
        yield case("pairwise_distance", lambda a, b: F.pairwise_distance(a, b, **args), [randn(3, 4), randn(3, 4)], named)
        yield case("pairwise_distance", lambda a, b: F.pairwise_distance(a, b, **args), [randn(4), randn(2, 3, 4)], named)
    yield case("pairwise_distance", F.pairwise_distance, [randn(3, 4, dtype=F32), randn(3, 4, dtype=F32)])
    yield case("pairwise_distance", F.pairwise_distance, [randn(0, 4), randn(0, 4)])
    same = randn(2, 3)
    yield case("pairwise_distance", F.pairwise_distance, [same, same])
    yield from sweep("pairwise_distance", floating_only(F.pairwise_distance), [integers(0, 5, 2, 3), integers(0, 5, 2, 3)])

    for args, shapes in (({}, ((3, 4), (3, 4))), ({"dim": -1}, ((4,), (2, 3, 4))), ({"dim": 0}, ((2, 1, 3), (2, 2, 1))),
                         ({"dim": -2, "eps": 100.0}, ((2, 3, 2), (2, 3, 2))), ({"dim": 1}, ((0, 3), (0, 3))),
                         ({"dim": 1}, ((2, 0), (2, 0)))):
        yield case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, **args),
                   [randn(*shapes[0]), randn(*shapes[1])], args, grad="eps" not in args)  # PyTorch's is wrong below eps
    yield case("cosine_similarity", F.cosine_similarity, [randn(2, 3, dtype=F32), randn(2, 3, dtype=F64)])
    yield case("cosine_similarity", F.cosine_similarity, [torch.zeros(2, 3, dtype=F64), randn(2, 3)], grad=False)
    yield from sweep("cosine_similarity", F.cosine_similarity, [integers(0, 5, 2, 3), integers(0, 5, 2, 3)])

    for p in (0.0, 0.5, 1.0, 2.0, 3.0, INF):
        args = {"p": "inf" if p == INF else p}
        yield case("pdist", lambda x: F.pdist(x, p), [randn(4, 3)], args, grad=p > 0)
        yield case("cdist", lambda a, b: torch.cdist(a, b, p), [randn(3, 2), randn(4, 2)], args, grad=p > 0)
        yield case("cdist", lambda a, b: torch.cdist(a, b, p), [randn(2, 1, 3, 2), randn(4, 1, 2)], args, grad=p > 0)
    close = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 5.0]], dtype=F64)
    for p in (1.0, 2.0, 3.0):
        yield case("pdist", lambda x: F.pdist(x, p), [close], {"p": p})
        yield case("cdist", lambda a, b: torch.cdist(a, b, p), [close, close], {"p": p})
    for shape in ((0, 3), (1, 3), (3, 0)):
        yield case("pdist", F.pdist, [randn(*shape)], grad=False)
        yield case("cdist", torch.cdist, [randn(*shape), randn(2, shape[1])], grad=False)
    yield case("pdist", F.pdist, [randn(5, 2, dtype=F32)])
    yield case("cdist", torch.cdist, [randn(26, 2, dtype=F64), randn(3, 2)])
    for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        yield case("cdist", lambda a, b: torch.cdist(a, b, compute_mode=mode), [randn(3, 2), randn(4, 2)], {"mode": mode})
    yield from sweep("pdist", F.pdist, [integers(0, 5, 3, 2)])
    yield from sweep("cdist", torch.cdist, [integers(0, 5, 3, 2), integers(0, 5, 2, 2)])
