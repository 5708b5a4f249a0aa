"""Cases of the operations in tests/ops/loss_margin_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F64, case, floating_only, integers, pack, randn, sweep, uniform


def signs(*sizes):
    return (integers(0, 2, *sizes) * 2 - 1).to(F64)


def cases():
    weight = uniform(0.2, 2, 4)
    for reduction in ("mean", "sum", "none"):
        r = {"reduction": reduction}
        for sizes in ((2, 3), (), (0, 2)):
            yield case("soft_margin_loss", lambda x, t: F.soft_margin_loss(x, t, **r), [randn(*sizes) * 2, signs(*sizes).long()], r)
            for args in ({}, {"margin": 0.4}):
                yield case("hinge_embedding_loss", lambda x, t: F.hinge_embedding_loss(x, t, **args, **r),
                           [randn(*sizes), signs(*sizes)], {**args, **r})
                yield case("margin_ranking_loss", lambda a, b, t: F.margin_ranking_loss(a, b, t, **args, **r),
                           [randn(*sizes), randn(*sizes), signs(*sizes)], {**args, **r})
        yield case("hinge_embedding_loss", lambda x, t: F.hinge_embedding_loss(x, t, **r), [randn(4), torch.tensor([1.0, -1, 0, 2]).double()], r)
        yield case("margin_ranking_loss", lambda a, b, t: F.margin_ranking_loss(a, b, t, **r), [randn(2, 3), randn(1, 3), signs(2, 1)], r)

        for args in ({}, {"p": 2}, {"margin": 0.3}, {"p": 2, "margin": 2.0, "weight": True}, {"weight": True}):
            w = weight if "weight" in args else None
            plain = {k: v for k, v in args.items() if k != "weight"}
            for x, target in ((randn(3, 4), torch.tensor([0, 3, 1])), (randn(4), torch.tensor(2))):
                yield case("multi_margin_loss", lambda x, t: F.multi_margin_loss(x, t, weight=w, **plain, **r), [x, target],
                           {**plain, **({"weight": pack(w)} if w is not None else {}), **r})
        labels = torch.tensor([[3, 0, -1, 1], [-1, 0, 0, 0], [0, 1, 2, 3], [2, -1, -1, -1]])
        for x, target in ((randn(4, 4), labels), (randn(4), labels[0]), (randn(4), labels[1]), (randn(1, 4), labels[2:3])):
            yield case("multilabel_margin_loss", lambda x, t: F.multilabel_margin_loss(x, t, **r), [x, target], r)
        for w in (None, weight):
            args = {"weight": pack(w)} if w is not None else {}
            for sizes in ((3, 4), (4,), (2, 3, 4)):
                yield case("multilabel_soft_margin_loss", lambda x, t: F.multilabel_soft_margin_loss(x, t, w, **r),
                           [randn(*sizes) * 2, integers(0, 2, *sizes).double()], {**args, **r})

        for args in ({}, {"margin": 0.5}):
            for sizes in ((4, 3), (3,)):
                yield case("cosine_embedding_loss", lambda a, b, t: F.cosine_embedding_loss(a, b, t, **args, **r),
                           [randn(*sizes), randn(*sizes), signs(*sizes[:-1])], {**args, **r})
        for args in ({}, {"margin": 0.5, "p": 1.0}, {"swap": True}, {"p": 3.0, "eps": 0.1, "swap": True}):
            for sizes in ((4, 3), (3,)):
                xs = [randn(*sizes), randn(*sizes), randn(*sizes)]
                yield case("triplet_margin_loss", lambda a, p, n: F.triplet_margin_loss(a, p, n, **args, **r), xs, {**args, **r})
        for args in ({}, {"margin": 0.5, "swap": True}):
            xs = [randn(4, 3), randn(4, 3), randn(4, 3)]
            fn = lambda a, p, n: F.triplet_margin_with_distance_loss(a, p, n, **args, **r)
            yield case("triplet_margin_with_distance_loss", fn, xs, {**args, **r})
            far = lambda a, b: (a - b).square().sum(-1)
            fn = lambda a, p, n: F.triplet_margin_with_distance_loss(a, p, n, distance_function=far, **args, **r)
            yield case("triplet_margin_with_distance_loss", fn, xs, {**args, "distance": "square", **r})
    none = {"reduction": "none"}
    x, y, sign = integers(-3, 3, 4, 3), integers(-3, 3, 4, 3), torch.tensor([1, 1, 1, 1])
    yield from sweep("soft_margin_loss", lambda x, t: F.soft_margin_loss(x, t, **none), [integers(0, 3, 4), integers(0, 2, 4)], none)
    yield from sweep("hinge_embedding_loss", floating_only(lambda x, t: F.hinge_embedding_loss(x, t, **none)), [integers(0, 2, 4), sign], none)
    yield from sweep("margin_ranking_loss", lambda a, b, t: F.margin_ranking_loss(a, b, t, **none), [integers(0, 2, 4), integers(0, 2, 4), sign], none)
    yield from sweep("multi_margin_loss", lambda x, t: F.multi_margin_loss(x, t, **none), [x, torch.tensor([0, 2, 1, 1])], none, positions=[0])
    yield from sweep("multilabel_margin_loss", lambda x, t: F.multilabel_margin_loss(x, t, **none),
                     [x, torch.tensor([[0, -1, 0], [1, 2, -1], [-1, 0, 0], [2, 0, 1]])], none, positions=[0])
    yield from sweep("multilabel_soft_margin_loss", lambda x, t: F.multilabel_soft_margin_loss(x, t, **none), [x, integers(0, 2, 4, 3)], none)
    yield from sweep("cosine_embedding_loss", lambda a, b, t: F.cosine_embedding_loss(a, b, t, **none), [x.abs() + 1, y.abs() + 1, sign], none)
    yield from sweep("triplet_margin_loss", lambda a, p, n: F.triplet_margin_loss(a, p, n, **none), [x, y, y + 1], none)
    yield from sweep("triplet_margin_with_distance_loss", lambda a, p, n: F.triplet_margin_with_distance_loss(a, p, n, **none), [x, y, y + 1], none)
