"""Golden values of operations and their gradients: writes ops.json. See torch_cases.py for what it holds.

Made with PyTorch 1.13 (CPU, without MKL): python3 make_ops.py
"""

import torch
import torch.nn.functional as F

from torch_cases import BOOL, DTYPES, F32, F64, I32, I64, INF, NAN, U8, case, integers, pack, randn, uniform, write

# ---- element by element ----------------------------------------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.25, NAN, INF, -INF, 1e-30, 700.0, -700.0]


def pointwise():
    unary = {"neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "square": torch.square,
             "reciprocal": torch.reciprocal, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
             "rsqrt": torch.rsqrt}
    for name, fn in unary.items():
        yield case(name, fn, [uniform(0.1, 3, 2, 3)])
        yield case(name, fn, [uniform(0.1, 3, 7, dtype=F32)])
        yield case(name, fn, [torch.tensor(SPECIAL, dtype=F64)])
        if name != "square":  # an f32 cannot be compared bit by bit at its limits, the sign of zero can
            yield case(name, fn, [integers(1, 9, 4)], grad=False)
    for name in ("add", "sub", "mul", "div", "pow", "maximum", "minimum"):
        fn = getattr(torch, name)
        low = 0.1 if name == "pow" else -3
        yield case(name, fn, [uniform(low, 3, 2, 3), uniform(-3, 3, 2, 3)])
        yield case(name, fn, [uniform(low, 3, 2, 1, 3), uniform(-3, 3, 4, 1)])
        yield case(name, fn, [uniform(low, 3, 5, dtype=F32), uniform(-3, 3, 5, dtype=F32)])
        yield case(name, fn, [uniform(low, 3, 3), uniform(-3, 3)])
        yield case(name, fn, [uniform(low, 3, 0, 3), uniform(-3, 3, 3)])
        # every pair of special values
        a = torch.tensor(SPECIAL, dtype=F64)
        yield case(name, fn, [a.reshape(-1, 1), a], grad=name not in ("pow", "div"))
        if name != "pow":
            yield case(name, fn, [torch.tensor([7, -7, 7, -7, 0]), torch.tensor([2, 2, -2, -2, 3])], grad=False)
            yield case(name, fn, [integers(-9, 9, 3), uniform(-3, 3, 3, dtype=F32)])
    yield case("pow", torch.pow, [torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0], dtype=F64),
                                  torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0], dtype=F64)])
    for name in ("maximum", "minimum"):  # ties
        yield case(name, getattr(torch, name), [torch.tensor([1.0, 2.0, 3.0], dtype=F64),
                                                torch.tensor([1.0, 3.0, 2.0], dtype=F64)])
    for alpha in (0.5, -2):
        yield case("add_alpha", lambda a, b: torch.add(a, b, alpha=alpha), [randn(3), randn(2, 3)], {"alpha": alpha})
    for s in (2.5, -3):
        yield case("add_scalar", lambda a: a + s, [randn(3)], {"s": s})
        yield case("sub_scalar", lambda a: a - s, [randn(3)], {"s": s})
        yield case("rsub_scalar", lambda a: s - a, [randn(3)], {"s": s})
        yield case("mul_scalar", lambda a: a * s, [randn(3)], {"s": s})
        yield case("div_scalar", lambda a: a / s, [randn(3)], {"s": s})
        yield case("rdiv_scalar", lambda a: s / a, [uniform(0.2, 2, 3)], {"s": s})
        yield case("pow_scalar", lambda a: a**s, [uniform(0.2, 2, 3)], {"s": s})
        yield case("add_scalar", lambda a: a + s, [integers(-5, 5, 3)], {"s": s}, grad=False)
        yield case("mul_scalar", lambda a: a * s, [integers(0, 5, 3, dtype=I32)], {"s": s}, grad=False)
        yield case("div_scalar", lambda a: a / s, [integers(-5, 5, 3)], {"s": s}, grad=False)
    for s in (0, 1, 2, 3, 0.5):
        yield case("pow_scalar", lambda a: a**s, [torch.tensor([0.0, 1.0, 2.0], dtype=F64)], {"s": s})
    for low, high in ((-0.5, 0.75), (None, 0.5), (0.0, None), (1.0, -1.0)):
        args = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
        yield case("clamp", lambda a: torch.clamp(a, low, high), [randn(2, 4)], args)
        yield case("clamp", lambda a: torch.clamp(a, low, high), [torch.tensor([NAN, INF, -INF, 0.5, 0.75])], args)
    yield case("clamp", lambda a: torch.clamp(a, -2, 3), [integers(-9, 9, 6)], {"min": -2, "max": 3}, grad=False)
    condition = torch.tensor([[True], [False]])
    yield case("where", torch.where, [condition, randn(3), randn(2, 1)])
    yield case("where", torch.where, [condition, randn(3), randn(2, 1, dtype=F32)])
    yield case("where", torch.where, [condition, integers(0, 9, 3), randn(2, 1, dtype=F32)])
    mask = torch.tensor([True, False, True])
    yield case("masked_fill", lambda a, m: a.masked_fill(m, -INF), [randn(2, 3), mask], {"s": "-inf"})
    yield case("masked_fill", lambda a, m: a.masked_fill(m, 7), [integers(0, 5, 2, 3), mask], {"s": 7})


def activation():
    ops = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu,
           "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}
    for name, fn in ops.items():
        yield case(name, fn, [randn(3, 4) * 2])
        yield case(name, fn, [randn(9, dtype=F32)])
        yield case(name, fn, [torch.tensor([0.0, -0.0, 20.0, -20.0, NAN], dtype=F64)])
        yield case(name, fn, [randn()])
    yield case("relu", F.relu, [integers(-5, 5, 6)], grad=False)


def softmax():
    for dim in (0, 1, -1):
        for name, fn in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
            yield case(name, lambda x: fn(x, dim), [randn(2, 3, 4) * 3], {"dim": dim})
    for name, fn in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        yield case(name, lambda x: fn(x, 0), [randn()], {"dim": 0})
        yield case(name, lambda x: fn(x, 1), [randn(2, 0)], {"dim": 1})
        yield case(name, lambda x: fn(x, 0), [torch.tensor([1000.0, 999.0, -1000.0])], {"dim": 0})
        yield case(name, lambda x: fn(x, 1), [torch.tensor([[-INF, 0.0], [-INF, -INF]])], {"dim": 1})


# ---- comparison ------------------------------------------------------------------------------------------------------

def compare():
    special = torch.tensor([0.0, -0.0, 1.0, -1.0, NAN, INF, -INF], dtype=F64)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        fn = getattr(torch, name)
        yield case(name, fn, [special.reshape(-1, 1), special], grad=False)
        yield case(name, fn, [integers(0, 4, 2, 3), integers(0, 4, 3, dtype=I32)], grad=False)
        yield case(name, fn, [integers(0, 3, 6), torch.tensor(1.5)], grad=False)
        for s in (1, 1.5):
            yield case(name + "_scalar", lambda a: fn(a, s), [integers(0, 3, 5)], {"s": s}, grad=False)
        # 0.1 is another number in f32 than in f64
        yield case(name + "_scalar", lambda a: fn(a, 0.1), [torch.tensor([0.1, 0.2])], {"s": 0.1}, grad=False)
        yield case(name, fn, [torch.tensor([2**60, 2**60 + 1]), torch.tensor([2**60 + 1, 2**60])], grad=False)
    a, b = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    yield case("logical_and", torch.logical_and, [a, b])
    yield case("logical_or", torch.logical_or, [a, b])
    yield case("logical_and", torch.logical_and, [special.reshape(-1, 1), special], grad=False)
    yield case("logical_or", torch.logical_or, [special.reshape(-1, 1), special], grad=False)
    yield case("logical_not", torch.logical_not, [special], grad=False)
    yield case("logical_not", torch.logical_not, [a])
    yield case("isnan", torch.isnan, [special], grad=False)
    yield case("isfinite", torch.isfinite, [special], grad=False)
    yield case("isfinite", torch.isfinite, [integers(0, 3, 3)])


# ---- reductions ------------------------------------------------------------------------------------------------------

def reduce():
    for dims, keepdim in (([], False), ([0], False), ([1], True), ([-1, 0], False), ([0, 1, 2], True)):
        args = {"dims": dims, "keepdim": keepdim}
        every = dims or [0, 1, 2]
        yield case("sum", lambda x: x.sum(every, keepdim), [randn(2, 3, 4)], args)
        yield case("mean", lambda x: x.mean(every, keepdim), [randn(2, 3, 4)], args)
        for correction in (1, 0):
            more = {**args, "correction": correction}
            yield case("var", lambda x: torch.var(x, every, correction=correction, keepdim=keepdim), [randn(2, 3, 4)],
                       more)
            yield case("std", lambda x: torch.std(x, every, correction=correction, keepdim=keepdim), [randn(2, 3, 4)],
                       more)
    one = {"dims": [0], "keepdim": False}
    for dtype in (F32, I64, I32, U8, BOOL):
        yield case("sum", lambda x: x.sum(0), [integers(0, 2, 5, 2, dtype=dtype)], one, grad=False)
    yield case("sum", lambda x: x.sum(), [torch.tensor([200, 200], dtype=U8)], {"dims": [], "keepdim": False})
    for size in ((0,), (0, 3), (2, 0)):
        yield case("sum", lambda x: x.sum(0), [randn(*size)], one)
        yield case("mean", lambda x: x.mean(0), [randn(*size)], one)
    yield case("var", lambda x: x.var(0), [randn(1, 2)], {**one, "correction": 1})
    yield case("std", lambda x: x.std(0, unbiased=False), [torch.ones(3, 2, dtype=F64)], {**one, "correction": 0})
    yield case("std", lambda x: x.std(0), [torch.ones(3, 2, dtype=F64)], {**one, "correction": 1})
    for x in (randn(), torch.tensor(NAN, dtype=F64)):
        yield case("sum", lambda x: x.sum(0), [x], one)
        yield case("mean", lambda x: x.mean(0), [x], one)

    ties = torch.tensor([[1.0, 3.0, 3.0], [3.0, 2.0, 1.0]], dtype=F64)
    nans = torch.tensor([[1.0, NAN, 3.0], [NAN, 2.0, NAN]], dtype=F64)
    infinite = torch.tensor([[-INF, -INF, 1.0], [INF, INF, 1.0]], dtype=F64)
    for name in ("max", "min"):
        whole = lambda x: getattr(x, name)()
        for x in (randn(2, 3), ties, nans, infinite, randn(), randn(5, dtype=F32)):
            yield case(name, whole, [x])
        yield case(name, whole, [integers(-9, 9, 5)])
        yield case(name, whole, [integers(0, 9, 5, dtype=U8)])
        yield case(name, whole, [torch.tensor([False, True])])
        for x in (randn(2, 3, 4), ties, nans, infinite):
            for dim, keepdim in ((0, False), (-1, True)):
                yield case(name + "_dim", lambda x: getattr(x, name)(dim, keepdim), [x],
                           {"dim": dim, "keepdim": keepdim})
        yield case(name + "_dim", lambda x: getattr(x, name)(0), [randn()], {"dim": 0, "keepdim": False})
        yield case(name + "_dim", lambda x: getattr(x, name)(1), [randn(0, 3)], {"dim": 1, "keepdim": False})
        yield case(name + "_dim", lambda x: getattr(x, name)(1), [integers(-9, 9, 2, 5)], {"dim": 1, "keepdim": False})
        arg = "arg" + name
        for x in (randn(2, 3), ties, nans, infinite, randn(), integers(-3, 3, 3, 4), integers(0, 9, 2, 5, dtype=U8)):
            yield case(arg, lambda x: getattr(x, arg)(), [x], {"keepdim": False}, grad=False)
            for keepdim in (False, True):
                yield case(arg, lambda x: getattr(x, arg)(-1, keepdim), [x], {"dim": -1, "keepdim": keepdim},
                           grad=False)
        yield case(arg, lambda x: getattr(x, arg)(1), [randn(0, 3)], {"dim": 1, "keepdim": False}, grad=False)
    for name in ("any", "all"):
        for x in (torch.tensor([True, False]), torch.tensor([0.0, NAN]), torch.zeros(0), torch.tensor([1, 2]),
                  torch.zeros(2, 3)):
            yield case(name, lambda x: getattr(x, name)().to(BOOL), [x], grad=False)


# ---- matrix products, losses -----------------------------------------------------------------------------------------

def matmul():
    shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
              ((5, 2, 3), (5, 3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((2, 0), (0, 3)),
              ((0, 3), (3, 2)), ((0, 2, 3), (3, 2)), ((0, 2, 3), (0, 3, 2)), ((0,), (0,)), ((1, 2, 3), (4, 3, 2))]
    for a, b in shapes:
        yield case("matmul", torch.matmul, [randn(*a), randn(*b)])
    yield case("matmul", torch.matmul, [randn(4, 5, dtype=F32), randn(5, 3, dtype=F32)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3), integers(-9, 9, 3, 2)])
    yield case("matmul", torch.matmul, [integers(-9, 9, 2, 3, dtype=I32), integers(-9, 9, 3, 2, dtype=I32)])
    for x in ((3,), (4, 3), (2, 5, 3), (0, 3)):
        yield case("linear", F.linear, [randn(*x), randn(2, 3), randn(2)])
        yield case("linear", F.linear, [randn(*x), randn(2, 3), None])
    yield case("linear", F.linear, [randn(4, 3), randn(3), None])
    yield case("linear", F.linear, [randn(4, 0), randn(2, 0), randn(2)])
    yield case("linear", F.linear, [randn(4, 3, dtype=F32), randn(2, 3, dtype=F32), randn(2, dtype=F32)])


def loss():
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


# ---- images ----------------------------------------------------------------------------------------------------------

def conv():
    cases = [((2, 3, 4, 5), (2, 3, 3, 2), {}), ((2, 2, 4, 3), (3, 2, 3, 3), {"stride": (2, 1), "padding": (1, 2)}),
             ((1, 2, 6, 5), (2, 2, 3, 3), {"dilation": (2, 1), "padding": 1}),
             ((2, 4, 3, 4), (4, 2, 2, 3), {"groups": 2}), ((1, 3, 4, 4), (3, 1, 2, 2), {"groups": 3, "stride": 2}),
             ((2, 4, 3), (2, 2, 3, 3), {"padding": 1}), ((0, 2, 3, 3), (2, 2, 3, 3), {}),
             ((2, 2, 2, 3), (3, 2, 1, 1), {})]
    for dtype in (F64, F32):
        for x, w, options in cases if dtype == F64 else cases[1:4] + cases[6:]:
            args = {k: list(v) if isinstance(v, tuple) else [v, v] for k, v in options.items() if k != "groups"}
            args["groups"] = options.get("groups", 1)
            run = lambda x, w, b: F.conv2d(x, w, b, **options)
            yield case("conv2d", run, [randn(*x, dtype=dtype), randn(*w, dtype=dtype), randn(w[0], dtype=dtype)], args)
            yield case("conv2d", run, [randn(*x, dtype=dtype), randn(*w, dtype=dtype), None], args)


def pool():
    options = [{}, {"stride": 1}, {"stride": 2, "padding": 1, "kernel": (3, 2)}, {"ceil_mode": True, "kernel": 3},
               {"ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]
    more = {"max_pool2d": [{"dilation": 2, "kernel": 2, "stride": 1}, {"dilation": (1, 2), "kernel": 3, "padding": 1}],
            "avg_pool2d": [{"count_include_pad": False, "kernel": 3, "padding": 1, "stride": 2},
                           {"divisor_override": 3},
                           {"count_include_pad": False, "ceil_mode": True, "kernel": 3, "stride": 2, "padding": 1}]}
    as_list = lambda v: list(v) if isinstance(v, tuple) else [v, v] if type(v) is int else v
    for name, special in more.items():
        for o in options + special:
            o = {"kernel": 2, **o}
            args = {k: v if k == "divisor_override" else as_list(v) for k, v in o.items()}
            kernel, rest = o["kernel"], {k: v for k, v in o.items() if k != "kernel"}
            fn = lambda x: getattr(F, name)(x, kernel, **rest)
            for x in (randn(1, 2, 6, 5), randn(1, 5, 7, dtype=F32)):
                yield case(name, fn, [x], args)
        yield case(name, lambda x: getattr(F, name)(x, 2), [torch.tensor([[[1.0, NAN, 5.0, 5.0], [-INF, 2.0, 5.0, 5.0]]])],
                   {"kernel": [2, 2]})


def norm():
    for x, shape in (((4, 6), (6,)), ((2, 3, 4), (3, 4)), ((5,), (5,)), ((0, 3), (3,))):
        args = {"shape": list(shape), "eps": 1e-5}
        fn = lambda x, w, b: F.layer_norm(x, shape, w, b)
        for dtype in (F64, F32):
            yield case("layer_norm", fn, [randn(*x, dtype=dtype), randn(*shape, dtype=dtype), randn(*shape, dtype=dtype)],
                       args)
        yield case("layer_norm", fn, [randn(*x), None, None], args)
        yield case("layer_norm", fn, [randn(*x), randn(*shape), None], args)
    yield case("layer_norm", lambda x, w, b: F.layer_norm(x, (3,), w, b, 0.1), [randn(2, 3), randn(3), randn(3)],
               {"shape": [3], "eps": 0.1})

    for sizes in ((5, 3), (4, 3, 2), (2, 3, 2, 4)):
        for training in (True, False):
            for affine in (True, False):
                mean, var = randn(3), uniform(0.5, 2, 3)
                args = {"training": training, "momentum": 0.3, "eps": 1e-3, "mean": pack(mean), "var": pack(var)}

                def run(x, w, b):
                    m, v = mean.clone(), var.clone()
                    y = F.batch_norm(x, m, v, w, b, training, 0.3, 1e-3)
                    return y, m, v

                yield case("batch_norm", run, [randn(*sizes), randn(3) if affine else None, randn(3) if affine else None],
                           args)
        yield case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [randn(*sizes), randn(3), randn(3)],
                   {"training": True, "momentum": 0.1, "eps": 1e-5})
    f32 = [randn(2, 3, 2, 4, dtype=F32), randn(3, dtype=F32), randn(3, dtype=F32)]
    yield case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), f32,
               {"training": True, "momentum": 0.1, "eps": 1e-5})


# ---- memory ----------------------------------------------------------------------------------------------------------

def view():
    x = randn(2, 3, 4)
    yield case("reshape", lambda x: x.reshape(4, -1), [x], {"sizes": [4, -1]})
    yield case("reshape", lambda x: x.reshape(1, 24, 1), [x], {"sizes": [1, 24, 1]})
    yield case("flatten", lambda x: x.flatten(1), [x], {"start": 1, "end": -1})
    yield case("flatten", lambda x: x.flatten(0, 1), [x], {"start": 0, "end": 1})
    yield case("flatten", lambda x: x.flatten(), [randn()], {"start": 0, "end": -1})
    yield case("transpose", lambda x: x.transpose(0, -1), [x], {"a": 0, "b": -1})
    yield case("permute", lambda x: x.permute(2, 0, 1), [x], {"dims": [2, 0, 1]})
    yield case("permute", lambda x: x.permute(-1, 1, 0), [x], {"dims": [-1, 1, 0]})
    yield case("expand", lambda x: x.expand(2, 3, -1), [randn(3, 1)], {"sizes": [2, 3, -1]})
    yield case("expand", lambda x: x.expand(4, 2, 3), [randn(2, 1)], {"sizes": [4, 2, 3]})
    yield case("expand", lambda x: x.expand(0), [randn(1)], {"sizes": [0]})
    yield case("expand", lambda x: x.expand(2, 3), [randn()], {"sizes": [2, 3]})
    for dim in (0, 2, -1):
        yield case("unsqueeze", lambda x: x.unsqueeze(dim), [randn(2, 3)], {"dim": dim})
        yield case("squeeze_dim", lambda x: x.squeeze(dim), [randn(1, 2, 1)], {"dim": dim})
    yield case("squeeze_dim", lambda x: x.squeeze(1), [randn(1, 2, 1)], {"dim": 1})
    yield case("squeeze", lambda x: x.squeeze(), [randn(1, 2, 1)])
    yield case("select", lambda x: x.select(1, -1), [x], {"dim": 1, "index": -1})
    yield case("narrow", lambda x: x.narrow(2, 1, 2), [x], {"dim": 2, "start": 1, "length": 2})
    yield case("narrow", lambda x: x.narrow(-1, -3, 3), [x], {"dim": -1, "start": -3, "length": 3})
    for first, last, step in ((None, None, 1), (1, None, 2), (-3, -1, 1), (3, 1, 1), (0, 100, 3), (-100, 2, 1), (5, 5, 2)):
        args = {k: v for k, v in (("first", first), ("last", last), ("step", step)) if v is not None}
        yield case("slice", lambda x: x[:, first:last:step], [randn(2, 7)], args)
    yield case("sum_to_size", lambda x: x.sum_to_size(3, 1), [randn(2, 3, 4)], {"sizes": [3, 1]})


def join():
    a, b, c = randn(2, 1), randn(2, 3), randn(2, 2)
    yield case("cat", lambda *t: torch.cat(t, 1), [a, b, c], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, -1), [a, b], {"dim": -1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(3), randn(0), randn(2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 1), [randn(2, 3), randn(0), randn(2, 0)], {"dim": 1})
    yield case("cat", lambda *t: torch.cat(t, 0), [randn(2), randn(1, dtype=F32), integers(0, 5, 2)], {"dim": 0})
    yield case("cat", lambda *t: torch.cat(t, 0), [integers(0, 5, 2, dtype=U8), integers(0, 2, 2, dtype=BOOL)], {"dim": 0})
    for dim in (0, 1, -1):
        yield case("stack", lambda *t: torch.stack(t, dim), [randn(2, 3), randn(2, 3)], {"dim": dim})
    yield case("stack", lambda *t: torch.stack(t), [randn(), randn()], {"dim": 0})


def embedding():
    index = torch.tensor([[1, 0, 4], [4, 4, 2]])
    for padding in (None, 4, -3, 0):
        args = {} if padding is None else {"padding": padding}
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index, randn(5, 3)], args)
        yield case("embedding", lambda i, w: F.embedding(i, w, padding), [index.to(I32), randn(5, 3, dtype=F32)], args)
    yield case("embedding", F.embedding, [integers(0, 1, 0), randn(5, 3)])
    yield case("embedding", F.embedding, [torch.tensor(2), randn(5, 3)])


def inplace():
    """The first input is not changed itself, but a clone of it, which is returned."""
    for name in ("add_", "sub_", "mul_", "div_"):
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(2, 3), uniform(0.5, 2, 3)])
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(2, 3), uniform(0.5, 2, 3, dtype=F32)])
        # div_ keeps its rounded result: the gradient of a wider divisor is no more exact than that
        yield case(name, lambda x, y: getattr(x.clone(), name)(y), [randn(3, dtype=F32), uniform(0.5, 2, 3)],
                   grad=name != "div_")
        yield case(name + "scalar", lambda x: getattr(x.clone(), name)(2.5), [randn(2, 3)], {"s": 2.5})
        if name != "div_":
            yield case(name, lambda x, y: getattr(x.clone(), name)(y), [integers(0, 9, 3, dtype=I32), integers(0, 9, 3)])
            yield case(name + "scalar", lambda x: getattr(x.clone(), name)(3), [integers(5, 9, 3, dtype=U8)], {"s": 3})
    yield case("add_alpha_", lambda x, y: x.clone().add_(y, alpha=-0.5), [randn(2, 3), randn(3)], {"alpha": -0.5})
    yield case("copy_", lambda x, y: x.clone().copy_(y), [randn(2, 3), randn(3, dtype=F32)])
    yield case("copy_", lambda x, y: x.clone().copy_(y), [integers(0, 9, 3), torch.tensor([1.9, -1.9, 2.5])], grad=False)
    yield case("fill_", lambda x: x.clone().fill_(2.5), [randn(2, 3)], {"s": 2.5}, grad=False)
    yield case("fill_", lambda x: x.clone().fill_(2.5), [integers(0, 9, 3)], {"s": 2.5}, grad=False)


# ---- creation, random numbers ----------------------------------------------------------------------------------------

def creation():
    for first, last, step in ((0, 5, 1), (2, 11, 3), (5, 0, -2), (0.0, 1.0, 0.1), (1, 2, 0.25), (3, 3, 1),
                              (2**53, 2**53 + 4, 1), (-1.5, 1.5, 0.5)):
        yield case("arange", lambda: torch.arange(first, last, step), [], {"first": first, "last": last, "step": step})
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 0), (0, 3)):
        yield case("eye", lambda: torch.eye(n, m), [], {"n": n, "m": m})

    def seeded(seed, fn):
        def run():
            torch.manual_seed(seed)
            return fn()
        return run

    for seed in (0, 7, 2**40 + 3):
        for name, sizes in (("f32", [3, 5]), ("f64", [2, 9]), ("f32", [17]), ("f64", [])):
            dtype = DTYPES[name]
            args = {"seed": seed, "sizes": sizes, "dtype": name}
            yield case("rand", seeded(seed, lambda: torch.rand(sizes, dtype=dtype)), [], args)
            yield case("randn", seeded(seed, lambda: torch.randn(sizes, dtype=dtype)), [], args)
        yield case("randint", seeded(seed, lambda: torch.randint(-3, 50, (2, 4))), [],
                   {"seed": seed, "low": -3, "high": 50, "sizes": [2, 4]})
        yield case("randperm", seeded(seed, lambda: torch.randperm(9)), [], {"seed": seed, "n": 9})


def dropout():
    for seed, p, x in ((0, 0.5, randn(4, 5)), (3, 0.1, randn(3, 7, dtype=F32)), (9, 0.9, randn(20)), (1, 1.0, randn(3)),
                       (1, 0.0, randn(3)), (5, 0.5, randn(0, 3)), (5, 0.3, randn())):
        def run(x):
            torch.manual_seed(seed)
            return F.dropout(x, p, True)
        yield case("dropout", run, [x], {"seed": seed, "p": p})


def main():
    groups = (pointwise, activation, softmax, compare, reduce, matmul, loss, conv, pool, norm, view, embedding, join, inplace,
              creation, dropout)
    write("ops.json", {group.__name__: list(group()) for group in groups})


if __name__ == "__main__":
    main()
