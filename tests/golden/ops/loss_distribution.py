"""Cases of the operations in tests/ops/loss_distribution_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, case, integers, pack, randn, sweep, uniform


def cases():
    for reduction in ("mean", "sum", "none"):
        r = {"reduction": reduction}
        counts = integers(0, 6, 2, 3).double()
        for args in ({}, {"full": True}, {"log_input": False}, {"log_input": False, "full": True, "eps": 0.1}):
            rates = uniform(0.1, 3, 2, 3)
            yield case("poisson_nll_loss", lambda x, t: F.poisson_nll_loss(x, t, **args, **r), [rates, counts], {**args, **r})
        yield case("poisson_nll_loss", lambda x, t: F.poisson_nll_loss(x, t, **r), [randn(2, 3), counts[0]], r)
        yield case("poisson_nll_loss", lambda x, t: F.poisson_nll_loss(x, t, **r), [randn(0, 3), randn(0, 3)], r)

        for var in (uniform(0.1, 2, 2, 3), uniform(0.1, 2, 2, 1), uniform(0.1, 2, 2), torch.tensor([[0.5, 0.0, 1e-9], [1.0, 2.0, 3.0]]).double()):
            for args in ({}, {"full": True, "eps": 0.2}):
                yield case("gaussian_nll_loss", lambda x, t, v: F.gaussian_nll_loss(x, t, v, **args, **r),
                           [randn(2, 3), randn(2, 3), var], {**args, **r})
        yield case("gaussian_nll_loss", lambda x, t, v: F.gaussian_nll_loss(x, t, v, **r), [randn(), randn(), uniform(1, 2)], r)

        x, target = F.log_softmax(randn(3, 4), 1), F.softmax(randn(3, 4), 1)
        x, target = torch.round(x * 1000) / 1000, torch.round(target * 1000) / 1000
        target[0, 0] = 0
        yield case("kl_div", lambda x, t: F.kl_div(x, t, **r), [x, target], r, grad=False)
        yield case("kl_div", lambda x, t: F.kl_div(x, t, **r), [x, target[1:2]], r)
        yield case("kl_div", lambda x, t: F.kl_div(x, t, log_target=True, **r), [x, randn(3, 4)], {"log_target": True, **r})
        yield case("kl_div", lambda x, t: F.kl_div(x, t, **r), [randn(), uniform(0.1, 1)], r)

        p = uniform(0.05, 0.95, 3, 4)
        for weight in (None, uniform(0.1, 2, 4), uniform(0.1, 2, 3, 4)):
            w = {"weight": pack(weight)} if weight is not None else {}
            yield case("binary_cross_entropy", lambda x, t: F.binary_cross_entropy(x, t, weight, **r),
                       [p, uniform(0, 1, 3, 4)], {**w, **r})
            for pos_weight in (None, uniform(0.1, 3, 4)):
                pw = {"pos_weight": pack(pos_weight)} if pos_weight is not None else {}
                yield case("binary_cross_entropy_with_logits",
                           lambda x, t: F.binary_cross_entropy_with_logits(x, t, weight, pos_weight=pos_weight, **r),
                           [randn(3, 4) * 3, uniform(0, 1, 3, 4)], {**w, **pw, **r})
        ends = torch.tensor([0.0, 0.0, 1.0, 1.0, 0.5]).double()
        yield case("binary_cross_entropy", lambda x: F.binary_cross_entropy(x, torch.tensor([0, 1, 0, 1, 1.0]).double(), **r), [ends],
                   {"target": pack(torch.tensor([0, 1, 0, 1, 1.0]).double()), **r})
        large = torch.tensor([0.0, 800.0, -800.0, 30.0, -30.0]).double()
        yield case("binary_cross_entropy_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t, **r),
                   [large, torch.tensor([1.0, 0.0, 1.0, 0.5, 0.5]).double()], r)
        for sizes in ((0, 2), ()):
            yield case("binary_cross_entropy", lambda x, t: F.binary_cross_entropy(x, t, **r),
                       [uniform(0.1, 0.9, *sizes), uniform(0, 1, *sizes)], r)
            yield case("binary_cross_entropy_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t, **r),
                       [randn(*sizes), uniform(0, 1, *sizes)], r)
    x, target = F.log_softmax(randn(3, 4), 1), F.softmax(randn(3, 4), 1)
    x, target = torch.round(x * 1000) / 1000, torch.round(target * 1000) / 1000
    for args in ({"reduction": "batchmean"}, {"reduction": "batchmean", "log_target": True}):
        yield case("kl_div", lambda x, t: F.kl_div(x, t, **args), [x, target], args)
    yield case("kl_div", lambda x, t: F.kl_div(x, t, reduction="batchmean"), [x[0], target[0]], {"reduction": "batchmean"})
    none = {"reduction": "none"}
    x, target = integers(0, 2, 4, 3), integers(0, 2, 4, 3)
    yield from sweep("poisson_nll_loss", lambda x, t: F.poisson_nll_loss(x, t, **none), [x, target], none)
    yield from sweep("gaussian_nll_loss", lambda x, t, v: F.gaussian_nll_loss(x, t, v, **none), [x, target, target + 1], none)
    yield from sweep("kl_div", lambda x, t: F.kl_div(x, t, **none), [x, target + 1], none)
    yield from sweep("binary_cross_entropy", lambda x, t: F.binary_cross_entropy(x, t, **none), [x, target], none)
    yield from sweep("binary_cross_entropy_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t, **none), [x, target], none)
