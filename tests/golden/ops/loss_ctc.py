"""Cases of the operations in tests/ops/loss_ctc_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, case, integers, randn, sweep


def cases():
    def run(input_lengths, target_lengths, targets, **args):
        lengths = {"input_lengths": input_lengths, "target_lengths": target_lengths}
        il, tl = torch.tensor(input_lengths), torch.tensor(target_lengths)
        # through log_softmax, so that the gradients mean something
        return lambda x: F.ctc_loss(F.log_softmax(x, -1), targets, il, tl, **args), {**lengths, **args, "targets": packed(targets)}

    def packed(t):
        return {"d": "i64", "s": list(t.shape), "v": t.reshape(-1).tolist()}

    targets = torch.tensor([[1, 2, 2], [3, 1, 0], [2, 0, 0]])
    concatenated = torch.tensor([1, 2, 2, 3, 1, 2])
    for reduction in ("mean", "sum", "none"):
        for args in ({}, {"zero_infinity": True}):
            for t in (targets, concatenated):
                fn, a = run([6, 5, 3], [3, 2, 1], t, reduction=reduction, **args)
                yield case("ctc_loss", fn, [randn(6, 3, 4)], a)
        # the first target does not fit its input: 1 2 2 needs four steps
        fn, a = run([3, 5], [3, 2], targets[:2], reduction=reduction, zero_infinity=True)
        yield case("ctc_loss", fn, [randn(5, 2, 4)], a)
        fn, a = run([3, 5], [3, 2], targets[:2], reduction=reduction)
        yield case("ctc_loss", fn, [randn(5, 2, 4)], a, grad=False)
        fn, a = run([4, 4], [2, 2], torch.tensor([[0, 1], [1, 1]]), reduction=reduction, blank=2)
        yield case("ctc_loss", fn, [randn(4, 2, 3)], a)
        fn, a = run([4, 3], [0, 2], torch.tensor([[1, 1], [2, 1]]), reduction=reduction)
        yield case("ctc_loss", fn, [randn(4, 2, 3)], a)
        fn, a = run(5, 3, torch.tensor([1, 2, 1]), reduction=reduction)
        yield case("ctc_loss", fn, [randn(5, 3)], a)
        fn, a = run([7], [2], torch.tensor([[2, 1]]), reduction=reduction)
        yield case("ctc_loss", fn, [randn(7, 1, 3, dtype=F32)], a)
    fn, a = run([4, 3], [1, 2], torch.tensor([[1, 1], [2, 1]]), reduction="mean")
    yield from sweep("ctc_loss", fn, [integers(0, 2, 4, 2, 3)], a)
