"""Cases of the operations in tests/ops/loss_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, INF, NAN, case, integers, pack, randn, sweep, uniform


def cases():
    weight = uniform(0.2, 2, 4)
    options = [{}, {"weight": True}, {"label_smoothing": 0.2}, {"ignore_index": 1}, {"weight": True, "ignore_index": 2},
               {"weight": True, "ignore_index": 1, "label_smoothing": 0.3}]

    def run(o, reduction):
        arguments = {k: v for k, v in o.items() if k != "weight"}
        return lambda x, t, w: F.cross_entropy(x, t, weight=w, reduction=reduction, **arguments)

    for o in options:
        for reduction in ("mean", "sum", "none"):
            args = {**{k: v for k, v in o.items() if k != "weight"}, "reduction": reduction}
            for logits, target in ((randn(5, 4) * 2, torch.tensor([0, 1, 3, 2, 1])),
                                   (randn(2, 4, 3), integers(0, 4, 2, 3)), (randn(4), torch.tensor(3))):
                fn = run(o, reduction)
                w = weight if "weight" in o else None
                # weights get no gradient
                yield case("cross_entropy", lambda x, t: fn(x, t, w), [logits, target],
                           {**args, **({"weight": pack(w)} if w is not None else {})})
    ignored = torch.tensor([-100, -100])
    for reduction in ("mean", "sum", "none"):
        yield case("cross_entropy", lambda x, t: F.cross_entropy(x, t, reduction=reduction), [randn(2, 3), ignored],
                   {"reduction": reduction})
        yield case("cross_entropy", lambda x, t: F.cross_entropy(x, t, reduction=reduction),
                   [randn(0, 3), integers(0, 3, 0)], {"reduction": reduction})
        for sizes in ((5, 4), (2, 4, 3), (4,)):
            for smoothing in (0.0, 0.1):
                probabilities = F.softmax(randn(*sizes), 0 if len(sizes) == 1 else 1)
                probabilities = torch.round(probabilities * 1000) / 1000
                fn = lambda x, t: F.cross_entropy(x, t, weight=weight, reduction=reduction, label_smoothing=smoothing)
                yield case("cross_entropy", fn, [randn(*sizes), probabilities],
                           {"reduction": reduction, "label_smoothing": smoothing, "weight": pack(weight)})
        yield case("mse_loss", lambda x, t: F.mse_loss(x, t, reduction=reduction), [randn(2, 3), randn(2, 3)],
                   {"reduction": reduction})
    yield case("mse_loss", F.mse_loss, [randn(0), randn(0)], {"reduction": "mean"})
    x, t = randn(4, 3, dtype=F32), torch.tensor([0, 2, 1, 1])
    yield case("cross_entropy", F.cross_entropy, [x, t], {"reduction": "mean"})
    yield case("cross_entropy", F.cross_entropy, [torch.tensor([[1000.0, -1000.0, 0.0]]), torch.tensor([1])],
               {"reduction": "mean"})
    special = torch.tensor([[NAN, 0, 1], [INF, 0, 1], [-INF, 0, 1], [0, 0, 0]], dtype=F64)
    yield case("cross_entropy", lambda x, t: F.cross_entropy(x, t, reduction="none"),
               [special, torch.tensor([1, 1, 1, 2])], {"reduction": "none"})
    for x, t in ((randn(2, 3, dtype=F32), randn(2, 3, dtype=F32)), (randn(), randn()), (randn(2, 3), randn(3)),
                 (randn(0, 2), randn(0, 2)), (randn(2), randn(2, dtype=F32)),
                 (torch.tensor([NAN, INF, -INF, 0.0]), torch.tensor([0.0, INF, 1.0, -0.0]))):
        for reduction in ("mean", "sum", "none"):
            yield case("mse_loss", lambda x, t: F.mse_loss(x, t, reduction=reduction), [x, t], {"reduction": reduction},
                       grad=x.dtype == t.dtype)
    logits, classes = integers(-3, 3, 4, 3), torch.tensor([0, 2, 1, 1])
    yield from sweep("cross_entropy", F.cross_entropy, [logits, classes], {"reduction": "mean"}, positions=[0])
    yield from sweep("cross_entropy", F.cross_entropy, [logits.to(F32), classes], {"reduction": "mean"}, positions=[1])
    yield from sweep("cross_entropy", F.cross_entropy, [logits, integers(0, 2, 4, 3)], {"reduction": "mean"})
    for positions in (None, [0], [1]):
        for reduction in ("mean", "none"):
            yield from sweep("mse_loss", lambda x, t: F.mse_loss(x, t, reduction=reduction),
                             [integers(0, 5, 3).to(F32), integers(0, 5, 3).to(F32)], {"reduction": reduction},
                             positions=positions)

    for reduction in ("mean", "sum", "none"):
        for o in ({}, {"weight": True}, {"ignore_index": 1}, {"weight": True, "ignore_index": 2}):
            args = {**{k: v for k, v in o.items() if k != "weight"}, "reduction": reduction}
            w = weight if "weight" in o else None
            for x, target in ((randn(5, 4) * 2, torch.tensor([0, 1, 3, 2, 1])), (randn(2, 4, 3), integers(0, 4, 2, 3)),
                              (randn(2, 4, 2, 2), integers(0, 4, 2, 2, 2)), (randn(4), torch.tensor(3))):
                yield case("nll_loss", lambda x, t: F.nll_loss(x, t, weight=w, **args), [x, target],
                           {**args, **({"weight": pack(w)} if w is not None else {})})
        for x, target in ((randn(2, 3), ignored), (randn(0, 3), integers(0, 3, 0)), (randn(2, 0, 3)[:0], integers(0, 1, 0, 3))):
            yield case("nll_loss", lambda x, t: F.nll_loss(x, t, reduction=reduction), [x, target], {"reduction": reduction})
        pairs = ((randn(2, 3), randn(2, 3)), (randn(2, 3, dtype=F32), randn(2, 3, dtype=F32)), (randn(), randn()),
                 (randn(2, 3), randn(3)), (randn(0, 2), randn(0, 2)),
                 (torch.tensor([NAN, INF, -INF, 0.5, 2.0, -1.0]), torch.tensor([0.0, INF, 1.0, 0.5, 0.0, 0.0])))
        for x, target in pairs:
            r = {"reduction": reduction}
            yield case("l1_loss", lambda x, t: F.l1_loss(x, t, **r), [x, target], r)
            for args in ({}, {"beta": 0.3}, {"beta": 0.0}):
                # since 2.0, a beta of 0 is the l1_loss, gradient included
                fn = (lambda x, t: F.l1_loss(x, t, **r)) if args.get("beta") == 0 else (lambda x, t: F.smooth_l1_loss(x, t, **args, **r))
                yield case("smooth_l1_loss", fn, [x, target], {**args, **r})
            for args in ({}, {"delta": 0.3}):
                yield case("huber_loss", lambda x, t: F.huber_loss(x, t, **args, **r), [x, target], {**args, **r})
    x, target = integers(-3, 3, 4, 3), integers(-3, 3, 4, 3)
    yield from sweep("nll_loss", F.nll_loss, [x, classes], {"reduction": "mean"}, positions=[0])
    yield from sweep("nll_loss", F.nll_loss, [x.to(F32), classes], {"reduction": "mean"}, positions=[1])
    for name, fn in (("l1_loss", F.l1_loss), ("smooth_l1_loss", F.smooth_l1_loss), ("huber_loss", F.huber_loss)):
        yield from sweep(name, lambda x, t: fn(x, t, reduction="none"), [x, target], {"reduction": "none"})
