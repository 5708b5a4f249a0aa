"""Cases of the operations in tests/ops/embedding_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, I32, INF, NAN, case, integers, randn, sweep


def embedding_cases():
    index = torch.tensor([[1, 0, 4], [4, 4, 2]])
    for padding in (None, 4, -3, 0):
        args = {} if padding is None else {"padding": padding}
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index, randn(5, 3)], args)
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index.to(I32), randn(5, 3, dtype=F32)], args)
    for padding in (None, 4):
        args = {"frequency": True} | ({} if padding is None else {"padding": padding})
        yield case("embedding", lambda i, w: F.embedding(i, w, padding, scale_grad_by_freq=True), [index, randn(5, 3)], args)
    yield case("embedding", F.embedding, [integers(0, 1, 0), randn(5, 3)])
    yield case("embedding", F.embedding, [torch.tensor(2), randn(5, 3)])
    yield case("embedding", F.embedding, [torch.tensor([3, 3, 3]), randn(5, 0)])
    yield case("embedding", F.embedding, [torch.tensor([0, 1, 1]), torch.tensor([[NAN, 1.0], [INF, -0.0]], dtype=F64)])
    yield from sweep("embedding", F.embedding, [torch.tensor([1, 0, 1]), randn(3, 2, dtype=F32)], positions=[0])
    yield from sweep("embedding", F.embedding, [torch.tensor([1, 0, 1]), integers(0, 9, 3, 2)], positions=[1])

    # The table afterwards is a result, too.
    def limited(i, w, max_norm, norm_type):
        table = w.detach().clone()
        return F.embedding(i, table, max_norm=max_norm, norm_type=norm_type), table
    for max_norm, norm_type in ((1.0, 2.0), (0.5, 1.0), (0.7, INF), (100.0, 2.0), (0.0, 3.0)):
        yield case("embedding max_norm", lambda i, w: limited(i, w, max_norm, norm_type), [index, randn(5, 3)],
                   {"max_norm": max_norm, "norm_type": "inf" if norm_type == INF else norm_type}, grad=False)


def bag_cases():
    flat, offsets = torch.tensor([1, 0, 4, 4, 4, 2, 3]), torch.tensor([0, 3, 3, 5])  # the second bag is empty
    table = randn(5, 3)
    for mode in ("sum", "mean", "max"):
        def bag(i, w, o, s=None, **args):
            return F.embedding_bag(i, w, o, mode=mode, per_sample_weights=s, **args)
        for args in ({}, {"padding_idx": 4}, {"padding_idx": -5}, {"scale_grad_by_freq": True},
                     {"scale_grad_by_freq": True, "padding_idx": 4}):
            if mode == "max" and "scale_grad_by_freq" in args:
                continue
            # PyTorch divides by the frequency of another index; here all come twice.
            indices = torch.tensor([1, 0, 4, 4, 1, 0]) if "scale_grad_by_freq" in args else flat
            yield case("embedding_bag", lambda i, w, o: bag(i, w, o, **args), [indices, table, offsets], {"mode": mode, **args})
            yield case("embedding_bag", lambda i, w, o: bag(i, w, o, **args), [indices[:6].reshape(2, 3), table, None],
                       {"mode": mode, **args})
        args = {"include_last_offset": True}
        yield case("embedding_bag", lambda i, w, o: bag(i, w, o, **args), [flat, table, torch.tensor([0, 2, 2, 7])],
                   {"mode": mode, **args})
        yield case("embedding_bag", bag, [flat.to(I32), randn(5, 2, dtype=F32), offsets.to(I32)], {"mode": mode})
        yield case("embedding_bag", bag, [integers(0, 1, 0), table, torch.tensor([0, 0])], {"mode": mode}, grad=False)
        yield case("embedding_bag", bag, [integers(0, 1, 0, 3), table, None], {"mode": mode}, grad=False)
        yield case("embedding_bag", lambda i, w, o: bag(i, w, o, padding_idx=4), [torch.tensor([4, 4, 0]), table, torch.tensor([0, 2])],
                   {"mode": mode, "padding_idx": 4}, grad=False)
        # Equal largest values: the first gets the gradient.
        yield case("embedding_bag", bag, [torch.tensor([[0, 1, 2]]), torch.tensor([[1.0, 2], [1, 3], [0, 3]], dtype=F64), None],
                   {"mode": mode})
        yield from sweep("embedding_bag", bag, [torch.tensor([[1, 0]]), integers(0, 9, 3, 2), None], {"mode": mode}, positions=[1])
    yield case("embedding_bag", lambda i, w, o, s: F.embedding_bag(i, w, o, mode="sum", per_sample_weights=s),
               [flat, table, offsets, randn(7)], {"mode": "sum"})
    yield case("embedding_bag", lambda i, w, o, s: F.embedding_bag(i, w, o, mode="sum", per_sample_weights=s, padding_idx=4),
               [flat, table, offsets, randn(7)], {"mode": "sum", "padding_idx": 4})
    yield case("embedding_bag", lambda i, w, o, s: F.embedding_bag(i, w, o, mode="sum", per_sample_weights=s),
               [flat[:6].reshape(3, 2), randn(5, 3, dtype=F32), None, randn(3, 2, dtype=F32)], {"mode": "sum"})


def cases():
    yield from embedding_cases()
    yield from bag_cases()
