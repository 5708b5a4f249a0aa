"""Cases of the operations in tests/ops/linalg_test.cpp: see ../torch_cases.py.

Signs of eigenvectors and singular vectors are free, so these cases compare what does not depend on them.
"""

import torch

from torch_cases import F32, F64, case, integers, randn, sweep

L = torch.linalg


def definite(*sizes, dtype=F64):
    x = randn(*sizes)
    return (x @ x.mT + torch.eye(sizes[-1], dtype=F64)).to(dtype)


def symmetric(x):
    return x + x.mT


def of_svd(x, full):
    u, s, vt = L.svd(x, full_matrices=full)
    k = s.shape[-1]
    u, vt = u[..., :k], vt[..., :k, :]
    return s, u.abs(), vt.abs(), u @ vt


def of_eigh(x, uplo):
    w, v = L.eigh(x, UPLO=uplo)
    return w, v.abs(), v @ (w.exp().unsqueeze(-1) * v.mT)


def lstsq_cases():
    def solve(x, y, rcond=None):
        solution, residuals, rank, values = L.lstsq(x, y, rcond=rcond, driver="gelsd")
        return solution, residuals, rank, values
    for a, b in [((4, 2), (4, 3)), ((2, 4), (2, 3)), ((3, 3), (3, 1)), ((2, 4, 2), (2, 4, 3)), ((2, 4, 2), (2, 4)), ((4, 2), (4,)),
                 ((0, 0), (0, 2)), ((0, 2), (0, 1)), ((3, 0), (3, 2)), ((1, 4, 2), (5, 4, 2)), ((0, 3, 2), (0, 3, 2))]:
        yield case("lstsq", solve, [randn(*a), randn(*b)], grad=False)
        if 0 not in a and len(a) == len(b):  # PyTorch 1.13 can't differentiate vectors
            yield case("lstsq_solution", lambda x, y: L.lstsq(x, y).solution, [randn(*a), randn(*b)])
    dependent = torch.tensor([[1, 2], [2, 4], [3, 6]], dtype=F64)
    yield case("lstsq", solve, [dependent, randn(3, 2)], grad=False)
    yield case("lstsq", solve, [torch.stack([randn(3, 2), dependent]), randn(2, 3, 1)], grad=False)
    yield case("lstsq", lambda x, y: solve(x, y, 0.5), [torch.diag(torch.tensor([4.0, 1.0, 3.0], dtype=F64)), randn(3, 2)],
               {"rcond": 0.5}, grad=False)
    yield case("lstsq", solve, [randn(4, 2, dtype=F32), randn(4, 1, dtype=F32)], grad=False)
    values = integers(0, 4, 4, 2) + torch.eye(4, 2).to(torch.int64)
    yield from sweep("lstsq", solve, [values, integers(0, 4, 4, 2)])


def cases():
    yield from lstsq_cases()
    eye = 3 * torch.eye(3).to(torch.int64)
    square = [(3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2)]
    for upper in (False, True):
        for s in square:
            yield case("cholesky", lambda x: L.cholesky(x, upper=upper), [definite(*s)], {"upper": upper})
    yield case("cholesky", L.cholesky, [definite(5, 5, dtype=F32)])
    unary = {"inv": L.inv, "det": L.det, "slogdet": L.slogdet}
    for name, fn in unary.items():
        for s in square:
            yield case(name, fn, [randn(*s) + 2 * torch.eye(s[-1], dtype=F64)])
        yield case(name, fn, [randn(3, 3, dtype=F32)])
        yield case(name, fn, [randn(3, 3) - 2 * torch.eye(3, dtype=F64)])
    yield case("det", L.det, [torch.tensor([[1, 2], [2, 4]], dtype=F64)], grad=False)
    yield case("slogdet", L.slogdet, [torch.zeros(2, 2, dtype=F64)], grad=False)
    for a, b, left in [((3, 3), (3, 2), True), ((3, 3), (3,), True), ((3, 3), (2, 3), False), ((2, 3, 3), (2, 3), True),
                       ((2, 1, 3, 3), (4, 3, 2), True), ((3, 3), (2, 3, 1), True), ((0, 0), (0, 2), True)]:
        shift = torch.eye(a[-1], dtype=F64) * 3
        yield case("solve", lambda x, y: L.solve(x, y, left=left), [randn(*a) + shift, randn(*b)], {"left": left})
        if len(b) > 1 and b != a[:-1]:
            for upper in (True, False):
                for unit in (True, False):
                    args = {"upper": upper, "left": left, "unitriangular": unit}
                    # PyTorch 1.13 takes the whole matrix for a triangle where it is broadcast
                    x = randn(*a) + shift
                    x = x.triu() if upper else x.tril()
                    yield case("solve_triangular", lambda x, y: L.solve_triangular(x, y, **args), [x, randn(*b)], args)
    yield case("solve", L.solve, [randn(3, 3, dtype=F32), randn(3, 2, dtype=F32)], {"left": True})
    for s in [(3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 2), (3, 0)]:
        for mode in ("reduced", "complete", "r"):
            yield case("qr", lambda x: L.qr(x, mode=mode)[1 if mode == "r" else 0:], [randn(*s)], {"mode": mode},
                       grad=mode == "reduced" and 0 not in s)
    yield case("qr", L.qr, [randn(4, 3, dtype=F32)], {"mode": "reduced"})
    for s in [(3, 3), (4, 2), (2, 4), (2, 3, 2)]:
        for full in (True, False):
            yield case("svd", lambda x: of_svd(x, full), [randn(*s)], {"full": full})
        yield case("svdvals", L.svdvals, [randn(*s)])
        yield case("pinv", L.pinv, [randn(*s)])
        yield case("matrix_rank", L.matrix_rank, [randn(*s)])
    yield case("svd", lambda x: of_svd(x, False), [randn(4, 3, dtype=F32)], {"full": False})
    yield case("pinv", lambda x: L.pinv(x, rtol=0.5), [torch.diag(torch.tensor([4.0, 1.0, 3.0], dtype=F64))], {"rtol": 0.5}, grad=False)
    yield case("matrix_rank", L.matrix_rank, [torch.ones(3, 3, dtype=F64)])
    for s in [(3, 3), (2, 4, 4), (1, 1)]:
        for uplo in "LU":
            yield case("eigh", lambda x: of_eigh(symmetric(x), uplo), [randn(*s)], {"uplo": uplo})
            yield case("eigvalsh", lambda x: L.eigvalsh(x, UPLO=uplo), [randn(*s)], {"uplo": uplo}, grad=False)
    for n in (0, 1, 2, 5, -1, -3):
        yield case("matrix_power", lambda x: L.matrix_power(x, n), [randn(2, 2, 2) + 2 * torch.eye(2, dtype=F64)], {"n": n})
    values = eye + integers(0, 2, 3, 3).tril(-1)
    one = {**unary, "cholesky": lambda x: L.cholesky(symmetric(x)), "qr": L.qr, "svdvals": L.svdvals, "pinv": L.pinv,
           "matrix_rank": L.matrix_rank, "eigvalsh": L.eigvalsh}
    for name, fn in one.items():
        args = {"qr": {"mode": "reduced"}, "eigvalsh": {"uplo": "L"}}.get(name, {})
        x = symmetric(values) if name == "cholesky" else values
        yield from sweep(name, L.cholesky if name == "cholesky" else fn, [x], args)
    yield from sweep("svd", lambda x: of_svd(x, False), [values], {"full": False})
    yield from sweep("eigh", lambda x: of_eigh(symmetric(x), "L"), [values + torch.diag(torch.arange(3))], {"uplo": "L"})
    yield from sweep("solve", L.solve, [values, integers(0, 4, 3, 2)], {"left": True})
    triangle = {"upper": False, "left": True, "unitriangular": False}
    yield from sweep("solve_triangular", lambda x, y: L.solve_triangular(x, y, **triangle), [values, integers(0, 4, 3, 2)], triangle)
    yield from sweep("matrix_power", lambda x: L.matrix_power(x, 2), [values], {"n": 2})
    for s in square:
        yield case("matrix_exp", L.matrix_exp, [randn(*s)])
    for scale in (1e-4, 0.1, 5, 20):  # each degree of approximation, and squarings
        yield case("matrix_exp", L.matrix_exp, [randn(3, 3) * scale])
    for scale in (0.05, 0.4, 1, 3):
        yield case("matrix_exp", L.matrix_exp, [(randn(3, 3) * scale).to(F32)])
    # 1.13 gives infinities and NaN for this matrix in bf16: rounded from f32 instead
    yield from sweep("matrix_exp", lambda x: L.matrix_exp(x.to(F32)).to(x.dtype) if x.dtype == torch.bfloat16 else L.matrix_exp(x), [eye])
