"""2,000 random programs of up to 20 operations with PyTorch's results and gradients in f64: writes programs.json.gz.

A program is {in: inputs, steps: [[operation, operands, args]...], out: results, grad: gradients}. Values are numbered:
the inputs first, then the result of each step. `out` are the floating-point values that no step uses, as [number,
values], and `grad` the gradients of the inputs of sum(out * direction) over all of them (the direction of
torch_cases.py). Inputs have two decimals. A program is kept if all its numbers are of moderate size, no operation
comes near a point where it is not differentiable or discontinuous, and a change of its inputs in the last digits
changes nothing beyond the twelfth.

Made with PyTorch 1.13 (CPU, without MKL): python3 make_programs.py
"""

import gzip
import json
import pathlib
import random

import torch
import torch.nn.functional as F

import torch_cases

PROGRAMS = 2000
LONGEST = 20
LARGEST = 36  # elements of a value
F64 = torch.float64


class Reject(Exception):
    """This operation does not fit here."""


def require(condition):
    if not bool(condition):
        raise Reject


def far(x, *points, by=1e-3):
    """No element lies near one of the points."""
    for point in points:
        require(((x - point).abs() > by).all())


def distinct(x, dim, by=1e-4):
    """Elements along the dimension differ."""
    if x.dim() and x.shape[dim] > 1:
        require((x.sort(dim)[0].diff(dim=dim) > by).all())


class Program:
    def __init__(self, rng):
        self.rng = rng
        self.values, self.steps, self.used = [], [], set()
        for _ in range(rng.randint(1, 4)):
            shape = [rng.choice((1, 2, 2, 3, 3, 4)) for _ in range(rng.choice((0, 1, 2, 2, 2, 3)))]
            numbers = torch.tensor([rng.randint(-200, 200) / 100 for _ in range(torch.Size(shape).numel())], dtype=F64)
            self.values.append(numbers.reshape(shape).requires_grad_())
        self.inputs = len(self.values)

    # operands

    def any(self, *conditions, kind=F64):
        """The number of a value for which the conditions hold; rather one that is not used yet."""
        fitting = [i for i, v in enumerate(self.values) if v.dtype == kind and all(c(v) for c in conditions)]
        require(fitting)
        unused = [i for i in fitting if i not in self.used]
        return self.rng.choice(unused if unused and self.rng.random() < 0.6 else fitting)

    def shaped(self, minimum=1):
        return self.any(lambda v: v.dim() >= minimum)

    def broadcastable(self, i, kind=F64):
        def fits(v):
            try:
                return torch.Size(torch.broadcast_shapes(v.shape, self.values[i].shape)).numel() <= LARGEST
            except RuntimeError:
                return False
        return self.any(fits, kind=kind)

    def pair(self):
        i = self.any()
        return [i, self.broadcastable(i)]

    def shape(self, i):
        return list(self.values[i].shape)

    def dim(self, i):
        n = len(self.shape(i))
        require(n)
        return self.rng.randrange(-n, n)

    def dims(self, i):
        n = len(self.shape(i))
        require(n)
        return sorted(self.rng.sample(range(n), self.rng.randint(1, n)))

    # steps

    def try_step(self, name):
        op = OPERATIONS[name]
        operands, args = op.pick(self)
        x = [self.values[i] for i in operands]
        try:
            if op.check:
                op.check([v.detach() for v in x], args)
            y = op.run(x, args)
        except (RuntimeError, IndexError):
            raise Reject from None
        require(0 < y.numel() <= LARGEST and y.dim() <= 5)
        if y.dtype == F64:
            require(torch.isfinite(y).all() and y.abs().max() < 1e3)
        self.values.append(y)
        self.steps.append([name, operands, args])
        self.used.update(operands)

    def outputs(self):
        return [i for i, v in enumerate(self.values)
                if i >= self.inputs and i not in self.used and v.dtype == F64 and v.requires_grad]


class Op:
    """How operands and arguments are picked, what they must be like, and what PyTorch does with them."""

    def __init__(self, pick, run, check=None):
        self.pick, self.run, self.check = pick, run, check


def unary(run, check=None):
    return Op(lambda p: ([p.any()], {}), lambda x, a: run(x[0]), check and (lambda x, a: check(x[0])))


def with_number(run, numbers, check=None):
    return Op(lambda p: ([p.any()], {"s": p.rng.choice(numbers)}), lambda x, a: run(x[0], a["s"]), check)


def binary(run, check=None):
    return Op(lambda p: (p.pair(), {}), lambda x, a: run(*x), check and (lambda x, a: check(*x)))


def along(run, check=None, **extra):
    """Along one dimension; `extra` are functions of the program, the operand and the dimension."""
    def pick(p):
        i = p.shaped()
        d = p.dim(i)
        return [i], {"dim": d, **{k: f(p, i, d) for k, f in extra.items()}}
    return Op(pick, lambda x, a: run(x[0], a), check)


def over(run, check=None, **extra):
    """Over some dimensions."""
    def pick(p):
        i = p.shaped()
        return [i], {"dims": p.dims(i), "keepdim": p.rng.random() < 0.5, **{k: f(p) for k, f in extra.items()}}
    return Op(pick, lambda x, a: run(x[0], a), check)


def keepdim(p, i, d):
    return p.rng.random() < 0.5


def position(p, i, d):
    return p.rng.randrange(-p.shape(i)[d], p.shape(i)[d])


def compare(run):
    return Op(lambda p: (p.pair(), {}), lambda x, a: run(*x), lambda x, a: far(x[0] - x[1], 0))


def pick_where(p):
    a = p.any(kind=torch.bool)
    b = p.broadcastable(a)
    return [a, b, p.broadcastable(b)], {}


def pick_masked(p):
    i = p.any()
    shape = p.shape(i)
    def expands(v):
        return v.dim() <= len(shape) and all(m in (1, n) for m, n in zip(reversed(v.shape), reversed(shape)))
    return [i, p.any(expands, kind=torch.bool)], {"s": p.rng.choice((-1.5, 0, 0.25, 2))}


def pick_reshape(p):
    i = p.any()
    n = p.values[i].numel()
    sizes = []
    while n > 1 and len(sizes) < 3:
        d = p.rng.choice([d for d in range(1, n + 1) if n % d == 0])
        sizes.append(d)
        n //= d
    return [i], {"sizes": sizes + [n] if p.rng.random() < 0.5 else sizes + [-1]}


def pick_permute(p):
    i = p.shaped(2)
    return [i], {"dims": p.rng.sample(range(len(p.shape(i))), len(p.shape(i)))}


def pick_two_dims(p):
    i = p.shaped(2)
    return [i], {"dim0": p.dim(i), "dim1": p.dim(i)}


def pick_expand(p):
    i = p.any(lambda v: v.numel() <= 12)
    sizes = [p.rng.choice((-1, 2, 3)) if n == 1 else p.rng.choice((-1, n)) for n in p.shape(i)]
    return [i], {"sizes": ([p.rng.choice((1, 2))] if p.rng.random() < 0.5 else []) + sizes}


def pick_slice(p):
    i = p.shaped()
    d = p.dim(i)
    n = p.shape(i)[d]
    first = p.rng.randrange(n)
    return [i], {"dim": d, "first": first, "last": p.rng.randint(first + 1, n), "step": p.rng.randint(1, 2)}


def pick_narrow(p):
    i = p.shaped()
    d = p.dim(i)
    start = p.rng.randrange(p.shape(i)[d])
    return [i], {"dim": d, "start": start, "length": p.rng.randint(1, p.shape(i)[d] - start)}


def pick_unsqueeze(p):
    i = p.any(lambda v: v.dim() < 4)
    n = len(p.shape(i))
    return [i], {"dim": p.rng.randrange(-n - 1, n + 1)}


def sliced(x, a):
    index = [slice(None)] * x.dim()
    index[a["dim"]] = slice(a["first"], a["last"], a["step"])
    return x[tuple(index)]


def pick_matmul(p):
    i = p.shaped()
    def fits(v):
        try:
            return v.dim() >= 1 and torch.matmul(p.values[i], v).numel() <= LARGEST
        except RuntimeError:
            return False
    return [i, p.any(fits)], {}


def pick_join(p):
    i = p.shaped()
    d = p.dim(i)
    def fits(v):
        a, b = p.shape(i), list(v.shape)
        if len(a) != len(b):
            return False
        a[d] = b[d] = 0
        return a == b
    return [i] + [p.any(fits) for _ in range(p.rng.randint(1, 2))], {"dim": d}


def pick_stack(p):
    i = p.any(lambda v: v.dim() <= 3)
    n = len(p.shape(i))
    same = lambda v: list(v.shape) == p.shape(i)  # noqa: E731
    return [i] + [p.any(same) for _ in range(p.rng.randint(0, 2))], {"dim": p.rng.randrange(-n - 1, n + 1)}


def indices(p, shape, n):
    """Positions in a dimension of n, as golden tensors are stored."""
    return torch_cases.pack(torch.tensor([p.rng.randrange(n) for _ in range(torch.Size(shape).numel())],
                                         dtype=torch.int64).reshape(shape))


def unpacked(packed):
    return torch.tensor(packed["v"], dtype=torch.int64).reshape(packed["s"])


def pick_index_select(p):
    i = p.shaped()
    d = p.dim(i)
    return [i], {"dim": d, "index": indices(p, [p.rng.randint(1, 4)], p.shape(i)[d])}


def pick_gather(p):
    i = p.shaped()
    d = p.dim(i)
    shape = [p.rng.randint(1, n) for n in p.shape(i)]
    shape[d] = p.rng.randint(1, 4)
    return [i], {"dim": d, "index": indices(p, shape, p.shape(i)[d])}


def pick_scatter(p):
    i = p.shaped()
    d = p.dim(i)
    d = d % len(p.shape(i))
    j = p.any(lambda v: v.dim() == len(p.shape(i)) and all(m <= n or k == d for k, (m, n) in enumerate(zip(v.shape, p.shape(i)))))
    return [i, j], {"dim": d, "index": indices(p, p.shape(j), p.shape(i)[d])}  # PyTorch's gradient wants all of the source


def pick_embedding(p):
    i = p.any(lambda v: v.dim() == 2)
    return [i], {"index": indices(p, [p.rng.randint(1, 3)] * p.rng.randint(1, 2), p.shape(i)[0])}


def pick_three(p):
    i = p.any()
    j = p.broadcastable(i)
    return [i, j, p.broadcastable(j)], {}


def pick_in_place(p):
    i = p.any()
    shape = p.shape(i)
    def expands(v):
        return v.dim() <= len(shape) and all(m in (1, n) for m, n in zip(reversed(v.shape), reversed(shape)))
    return [i, p.any(expands)], {}


def not_small(x, a):
    require((x[1].abs() > 0.2).all())


OPERATIONS = {
    "neg": unary(torch.neg),
    "exp": unary(torch.exp, lambda x: require(x.max() < 4)),
    "log": unary(torch.log, lambda x: require(x.min() > 0.05)),
    "sqrt": unary(torch.sqrt, lambda x: require(x.min() > 0.05)),
    "rsqrt": unary(torch.rsqrt, lambda x: require(x.min() > 0.05)),
    "reciprocal": unary(torch.reciprocal, lambda x: far(x, 0, by=0.1)),
    "square": unary(torch.square),
    "abs": unary(torch.abs, lambda x: far(x, 0)),
    "sign": unary(torch.sign, lambda x: far(x, 0)),
    "relu": unary(torch.relu, lambda x: far(x, 0)),
    "sigmoid": unary(torch.sigmoid),
    "tanh": unary(torch.tanh),
    "gelu": unary(F.gelu),
    "clone": unary(torch.clone),
    "add_number": with_number(torch.add, (-1.5, 0.5, 2)),
    "sub_number": with_number(torch.sub, (-0.5, 1)),
    "rsub_number": with_number(lambda x, s: s - x, (-0.5, 1)),
    "mul_number": with_number(torch.mul, (-2, 0.5, 1.25)),
    "div_number": with_number(torch.div, (-2, 0.8)),
    "pow_number": with_number(torch.pow, (2, 3, 0.5, -1, 1.7), lambda x, a: require(a["s"] in (2, 3) or x[0].min() > 0.1)),
    "add": binary(torch.add),
    "sub": binary(torch.sub),
    "mul": binary(torch.mul),
    "div": Op(lambda p: (p.pair(), {}), lambda x, a: x[0] / x[1], not_small),
    "pow": binary(torch.pow, lambda x, y: require(x.min() > 0.1 and y.abs().max() < 4)),
    "maximum": binary(torch.maximum, lambda x, y: far(x - y, 0)),
    "minimum": binary(torch.minimum, lambda x, y: far(x - y, 0)),
    "clamp": Op(lambda p: ([p.any()], {"min": -0.505, "max": 1.005}), lambda x, a: x[0].clamp(a["min"], a["max"]),
                lambda x, a: far(x[0], a["min"], a["max"])),
    "gt": compare(torch.gt),
    "le": compare(torch.le),
    "where": Op(pick_where, lambda x, a: torch.where(*x)),
    "masked_fill": Op(pick_masked, lambda x, a: x[0].masked_fill(x[1], a["s"])),
    "add_": Op(pick_in_place, lambda x, a: x[0].clone().add_(x[1])),
    "sub_": Op(pick_in_place, lambda x, a: x[0].clone().sub_(x[1])),
    "mul_": Op(pick_in_place, lambda x, a: x[0].clone().mul_(x[1])),
    "div_": Op(pick_in_place, lambda x, a: x[0].clone().div_(x[1]), not_small),

    "sum": over(lambda x, a: x.sum(a["dims"], a["keepdim"])),
    "mean": over(lambda x, a: x.mean(a["dims"], a["keepdim"])),
    "var": over(lambda x, a: x.var(a["dims"], unbiased=False, keepdim=a["keepdim"])),
    "std": over(lambda x, a: x.std(a["dims"], unbiased=False, keepdim=a["keepdim"]),
                lambda x, a: require((x[0].var(a["dims"], unbiased=False) > 0.01).all())),
    "amax": over(lambda x, a: x.amax(a["dims"], a["keepdim"]), lambda x, a: distinct(x[0].reshape(-1), 0)),
    "amin": over(lambda x, a: x.amin(a["dims"], a["keepdim"]), lambda x, a: distinct(x[0].reshape(-1), 0)),
    "norm": over(lambda x, a: torch.linalg.vector_norm(x, dim=a["dims"], keepdim=a["keepdim"]),
                 lambda x, a: require((torch.linalg.vector_norm(x[0], dim=a["dims"]) > 0.1).all())),
    "logsumexp": over(lambda x, a: torch.logsumexp(x, a["dims"], a["keepdim"])),
    "sum_all": unary(torch.sum),
    "mean_all": unary(torch.mean),
    "prod": along(lambda x, a: x.prod(a["dim"], a["keepdim"]), lambda x, a: far(x[0], 0, by=0.01), keepdim=keepdim),
    "max": along(lambda x, a: x.max(a["dim"], a["keepdim"])[0], lambda x, a: distinct(x[0], a["dim"]), keepdim=keepdim),
    "min": along(lambda x, a: x.min(a["dim"], a["keepdim"])[0], lambda x, a: distinct(x[0], a["dim"]), keepdim=keepdim),
    "softmax": along(lambda x, a: x.softmax(a["dim"])),
    "log_softmax": along(lambda x, a: x.log_softmax(a["dim"])),
    "cumsum": along(lambda x, a: x.cumsum(a["dim"])),
    "cumprod": along(lambda x, a: x.cumprod(a["dim"]), lambda x, a: far(x[0], 0, by=0.01)),
    "sort": along(lambda x, a: x.sort(a["dim"], a["descending"])[0], lambda x, a: distinct(x[0], a["dim"]),
                  descending=lambda p, i, d: p.rng.random() < 0.5),
    "topk": along(lambda x, a: x.topk(a["k"], a["dim"], a["largest"])[0], lambda x, a: distinct(x[0], a["dim"]),
                  k=lambda p, i, d: p.rng.randint(1, p.shape(i)[d]), largest=lambda p, i, d: p.rng.random() < 0.5),
    "median": along(lambda x, a: x.median(a["dim"], a["keepdim"])[0], lambda x, a: distinct(x[0], a["dim"]), keepdim=keepdim),

    "reshape": Op(pick_reshape, lambda x, a: x[0].reshape(a["sizes"])),
    "flatten": unary(torch.flatten),
    "permute": Op(pick_permute, lambda x, a: x[0].permute(a["dims"])),
    "transpose": Op(pick_two_dims, lambda x, a: x[0].transpose(a["dim0"], a["dim1"])),
    "expand": Op(pick_expand, lambda x, a: x[0].expand(a["sizes"])),
    "unsqueeze": Op(pick_unsqueeze, lambda x, a: x[0].unsqueeze(a["dim"])),
    "squeeze": unary(torch.squeeze),
    "select": along(lambda x, a: x.select(a["dim"], a["index"]), index=position),
    "narrow": Op(pick_narrow, lambda x, a: x[0].narrow(a["dim"], a["start"], a["length"])),
    "slice": Op(pick_slice, lambda x, a: sliced(x[0], a)),
    "diagonal": Op(pick_two_dims, lambda x, a: x[0].diagonal(0, a["dim0"], a["dim1"])),
    "flip": over(lambda x, a: x.flip(a["dims"])),
    "roll": along(lambda x, a: x.roll(a["shift"], a["dim"]), shift=lambda p, i, d: p.rng.randint(-3, 3)),
    "repeat": Op(lambda p: (lambda i: ([i], {"sizes": [p.rng.randint(1, 2) for _ in p.shape(i)]}))(p.any()),
                 lambda x, a: x[0].repeat(a["sizes"])),
    "tril": Op(lambda p: ([p.shaped(2)], {"diagonal": p.rng.randint(-1, 1)}), lambda x, a: x[0].tril(a["diagonal"])),
    "triu": Op(lambda p: ([p.shaped(2)], {"diagonal": p.rng.randint(-1, 1)}), lambda x, a: x[0].triu(a["diagonal"])),

    "matmul": Op(pick_matmul, lambda x, a: torch.matmul(*x)),
    "cat": Op(pick_join, lambda x, a: torch.cat(x, a["dim"])),
    "stack": Op(pick_stack, lambda x, a: torch.stack(x, a["dim"])),
    "index_select": Op(pick_index_select, lambda x, a: x[0].index_select(a["dim"], unpacked(a["index"]))),
    "gather": Op(pick_gather, lambda x, a: x[0].gather(a["dim"], unpacked(a["index"]))),
    "scatter_add": Op(pick_scatter, lambda x, a: x[0].scatter_add(a["dim"], unpacked(a["index"]), x[1])),
    "embedding": Op(pick_embedding, lambda x, a: F.embedding(unpacked(a["index"]), x[0])),
    "layer_norm": Op(lambda p: ([p.any(lambda v: v.dim() and v.shape[-1] > 1)], {}),
                     lambda x, a: F.layer_norm(x[0], x[0].shape[-1:]),
                     lambda x, a: require((x[0].var(-1, unbiased=False) > 0.01).all())),
    "mse_loss": Op(lambda p: (lambda i: ([i, p.any(lambda v: list(v.shape) == p.shape(i))], {}))(p.any()),
                   lambda x, a: F.mse_loss(*x)),

    "sin": unary(torch.sin),
    "cos": unary(torch.cos),
    "erf": unary(torch.erf),
    "expm1": unary(torch.expm1, lambda x: require(x.max() < 4)),
    "log1p": unary(torch.log1p, lambda x: require(x.min() > -0.9)),
    "atan2": binary(torch.atan2, lambda x, y: require((x ** 2 + y ** 2 > 0.01).all() and not ((y < 0) & (x.abs() < 1e-3)).any())),
    "lerp": Op(pick_three, lambda x, a: torch.lerp(x[0], x[1], 0.25 * x[2])),
    "softplus": unary(F.softplus),
    "outer": Op(lambda p: ([p.any(lambda v: v.dim() == 1), p.any(lambda v: v.dim() == 1)], {}), lambda x, a: torch.outer(*x)),
}


def replay(inputs, steps):
    """All values of a program."""
    values = list(inputs)
    for name, operands, args in steps:
        values.append(OPERATIONS[name].run([values[i] for i in operands], args))
    return values


def gradients(inputs, outputs):
    total = sum((y * torch_cases.direction(y)).sum() for y in outputs)
    return torch.autograd.grad(total, inputs, allow_unused=True)


def well_conditioned(p, expected):
    moved = [(x.detach() * (1 + 1e-13 * (-1) ** k)).requires_grad_() for k, x in enumerate(p.values[:p.inputs])]
    values = replay(moved, p.steps)
    outputs = [values[i] for i in p.outputs()]
    found = [*outputs, *(g for g in gradients(moved, outputs) if g is not None)]
    return all((a - b).abs().max() <= 2e-12 * max(1, b.abs().max()) for a, b in zip(found, expected))


def program(rng):
    p = Program(rng)
    length = rng.randint(3, LONGEST)
    names = [*OPERATIONS] + ["gt", "le"] * 2  # masks for others to use
    for _ in range(200):
        if len(p.steps) == length:
            break
        try:
            p.try_step(rng.choice(names))
        except Reject:
            pass
    require(len(p.steps) == length)
    numbers = p.outputs()
    require(numbers)
    inputs, outputs = p.values[:p.inputs], [p.values[i] for i in numbers]
    grads = gradients(inputs, outputs)
    known = [g for g in grads if g is not None]
    require(known and all(torch.isfinite(g).all() and g.abs().max() < 1e4 for g in known))
    require(well_conditioned(p, [*outputs, *known]))

    def stored(x):
        return None if x is None else [float(f"{v:.12g}") for v in x.detach().reshape(-1).tolist()]
    return {"in": [[p.shape(i), stored(x)] for i, x in enumerate(inputs)], "steps": p.steps,
            "out": [[i, p.shape(i), stored(p.values[i])] for i in numbers], "grad": [stored(g) for g in grads]}


def main():
    torch.set_num_threads(1)
    rng = random.Random(20)
    programs = []
    while len(programs) < PROGRAMS:
        try:
            programs.append(program(rng))
        except Reject:
            pass
    counts = {name: 0 for name in OPERATIONS}
    for entry in programs:
        for name, _, _ in entry["steps"]:
            counts[name] += 1
    rare = {name: n for name, n in counts.items() if n < 20}
    assert not rare, rare
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in programs)
    path = pathlib.Path(__file__).with_name("programs.json.gz")
    with gzip.GzipFile(path, "wb", compresslevel=9, mtime=0) as file:
        file.write(f"[\n{lines}\n]\n".encode())


if __name__ == "__main__":
    main()
