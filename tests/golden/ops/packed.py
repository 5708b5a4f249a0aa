"""Cases of the operations in tests/ops/packed_test.cpp: see ../torch_cases.py."""

import torch
from torch.nn.utils import rnn

from torch_cases import DTYPES, F32, case, integers, randn, sweep


def parts(packed):
    return [p for p in packed if p is not None]


def cases():
    for shape, lengths, args in (((3, 2), [3, 1], {}), ((4, 3, 2), [4, 2, 2], {}), ((2, 3, 1), [3, 1], {"batch_first": True}),
                                 ((4, 3, 2), [1, 4, 2], {"enforce_sorted": False}), ((4, 2), [2, 2], {}),
                                 ((3, 5, 2, 2), [2, 4, 4], {"batch_first": True, "enforce_sorted": False}),
                                 ((1, 1), [1], {"enforce_sorted": False})):
        fn = lambda x: parts(rnn.pack_padded_sequence(x, torch.tensor(lengths), **args))
        yield case("pack_padded_sequence", fn, [randn(*shape)], {"lengths": lengths, **args})
    fn = lambda x: parts(rnn.pack_padded_sequence(x, torch.tensor([2, 1])))
    yield from sweep("pack_padded_sequence", fn, [integers(0, 2, 3, 2)], {"lengths": [2, 1]})

    for shape, lengths, args in (((4, 3, 2), [4, 2, 2], {}), ((4, 3), [4, 2, 1], {"padding_value": -1.5}),
                                 ((4, 3, 2), [4, 2, 1], {"total_length": 6}),
                                 ((4, 3, 2), [1, 4, 2], {"batch_first": True, "total_length": 5, "padding_value": 2.0}),
                                 ((4, 3, 2, 2), [1, 3, 3], {"batch_first": True})):
        # packed inside, so that the gradient passes through both
        packed = lambda x: rnn.pack_padded_sequence(x, torch.tensor(lengths), args.get("batch_first", False), False)
        batch_first = args.get("batch_first", False)
        x = randn(*(shape if not batch_first else (shape[1], shape[0], *shape[2:])))
        yield case("pad_packed_sequence", lambda x: rnn.pad_packed_sequence(packed(x), **args), [x], {"lengths": lengths, **args})
    fn = lambda x: rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, torch.tensor([3, 1]), False, False))
    yield from sweep("pad_packed_sequence", fn, [integers(0, 2, 3, 2)], {"lengths": [3, 1]})

    def pad_left(sequences, batch_first=False, padding_value=0.0):
        flipped = rnn.pad_sequence([x.flip(0) for x in sequences], batch_first, padding_value)
        return flipped.flip(1 if batch_first else 0)

    for sizes in ([(3,), (1,), (2,)], [(2, 3), (2, 3)], [(0, 2), (2, 2)], [(1, 2, 2)]):
        for args in ({}, {"batch_first": True, "padding_value": 7.0}):
            inputs = [randn(*s) for s in sizes]
            yield case("pad_sequence", lambda *x: rnn.pad_sequence(x, **args), inputs, args)
            yield case("pad_sequence", lambda *x: pad_left(x, **args), inputs, {"left": True, **args})
    yield from sweep("pad_sequence", lambda *x: rnn.pad_sequence(x, padding_value=1), [integers(0, 2, 2), integers(0, 2, 3)],
                     {"padding_value": 1})

    for sizes, args in (([(3, 2), (1, 2)], {}), ([(1,), (3,), (2,)], {"enforce_sorted": False})):
        yield case("pack_sequence", lambda *x: parts(rnn.pack_sequence(x, **args)), [randn(*s) for s in sizes], args)
    yield from sweep("pack_sequence", lambda *x: parts(rnn.pack_sequence(x)), [integers(0, 2, 3), integers(0, 2, 2)])

    for shape, lengths, args in (((3, 2), [3, 1], {}), ((2, 3, 2), [0, 2], {"batch_first": True})):
        time = 1 if args else 0
        fn = lambda x: [s[:n] for s, n in zip(x.transpose(0, 1) if time == 0 else x, lengths)]  # newer than 1.13 for 0
        yield case("unpad_sequence", fn, [randn(*shape)], {"lengths": lengths, **args})
    yield from sweep("unpad_sequence", lambda x: rnn.unpad_sequence(x, torch.tensor([2, 1])), [integers(0, 2, 2, 2)],
                     {"lengths": [2, 1]})

    for sizes in ([(3, 2), (1, 2)], [(1,), (3,), (2,)]):
        yield case("unpack_sequence", lambda *x: rnn.unpack_sequence(rnn.pack_sequence(x, False)), [randn(*s) for s in sizes])
    yield from sweep("unpack_sequence", lambda *x: rnn.unpack_sequence(rnn.pack_sequence(x, False)),
                     [integers(0, 2, 1), integers(0, 2, 2)])

    for p in ([0], [2, 0, 1], [3, 2, 1, 0], []):
        yield case("invert_permutation", rnn.invert_permutation, [torch.tensor(p, dtype=torch.int64)])
    for name, dtype in DTYPES.items():
        entry = case("invert_permutation", lambda x: rnn.invert_permutation(x.long()), [torch.tensor([1, 0]).to(dtype)], grad=False)
        whole = not dtype.is_floating_point and name != "bool"
        yield {**(entry if whole else {k: v for k, v in entry.items() if k != "out"} | {"refused": True}), "sweep": name}
