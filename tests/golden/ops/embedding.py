"""Cases of the operations in tests/ops/embedding_test.cpp: see ../torch_cases.py."""

import torch
import torch.nn.functional as F

from torch_cases import F32, F64, I32, INF, NAN, case, integers, randn, sweep


def cases():
    index = torch.tensor([[1, 0, 4], [4, 4, 2]])
    for padding in (None, 4, -3, 0):
        args = {} if padding is None else {"padding": padding}
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index, randn(5, 3)], args)
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index.to(I32), randn(5, 3, dtype=F32)], args)
    yield case("embedding", F.embedding, [integers(0, 1, 0), randn(5, 3)])
    yield case("embedding", F.embedding, [torch.tensor(2), randn(5, 3)])
    yield case("embedding", F.embedding, [torch.tensor([3, 3, 3]), randn(5, 0)])
    yield case("embedding", F.embedding, [torch.tensor([0, 1, 1]), torch.tensor([[NAN, 1.0], [INF, -0.0]], dtype=F64)])
    yield from sweep("embedding", F.embedding, [torch.tensor([1, 0, 1]), randn(3, 2, dtype=F32)], positions=[0])
    yield from sweep("embedding", F.embedding, [torch.tensor([1, 0, 1]), integers(0, 9, 3, 2)], positions=[1])
