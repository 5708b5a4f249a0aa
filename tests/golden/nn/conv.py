"""Layers of tests/nn/conv_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, F64, layer

SIZE = (4, 5, 3)
MODES = ("zeros", "reflect", "replicate", "circular")


def layers():
    d = {"dtype": F64}
    yield layer("conv", lambda: nn.Conv2d(2, 3, 3), (2, 2, 5, 4), dtype=F32)
    yield layer("conv of all options",
                lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, **d),
                (2, 2, 5, 4))
    yield layer("conv without bias", lambda: nn.Conv2d(3, 2, 2, stride=2, bias=False, **d), (1, 3, 5, 5))
    yield layer("conv without batch", lambda: nn.Conv2d(2, 3, 3, padding=1, **d), (2, 4, 3))

    yield layer("Conv1d", lambda: nn.Conv1d(2, 3, 3), (2, 2, 6), dtype=F32)
    yield layer("Conv1d of all options",
                lambda: nn.Conv1d(4, 2, 2, stride=2, padding=1, dilation=2, groups=2, bias=False, **d), (2, 4, 5))
    yield layer("Conv3d", lambda: nn.Conv3d(2, 2, 2), (1, 2, 3, 2, 3), dtype=F32)
    yield layer("Conv3d of all options",
                lambda: nn.Conv3d(2, 2, (1, 2, 2), stride=(1, 2, 1), padding=(0, 1, 1), dilation=(1, 1, 2), groups=2, **d),
                (1, 2, 2, 3, 2))
    for n in (1, 2, 3):
        conv, size = getattr(nn, f"Conv{n}d"), SIZE[:n]
        for mode in MODES:
            yield layer(f"Conv{n}d {mode}", lambda: conv(1, 2, 3, padding=(2, 1, 1)[:n], padding_mode=mode), (1, 1, *size),
                        dtype=F32)
            yield layer(f"Conv{n}d {mode} same", lambda: conv(1, 2, (2, 3, 2)[:n], padding="same", padding_mode=mode),
                        (1, 1, *size), dtype=F32)
        yield layer(f"Conv{n}d valid", lambda: conv(1, 2, 2, padding="valid", padding_mode="circular"), (1, 1, *size), dtype=F32)

        up = getattr(nn, f"ConvTranspose{n}d")
        yield layer(f"ConvTranspose{n}d", lambda: up(2, 3, 2), (1, 2, *(3, 2, 2)[:n]), dtype=F32)
        options = {"stride": (2, 3, 2)[:n], "padding": (1, 0, 1)[:n], "output_padding": (1, 2, 0)[:n], "groups": 2}
        yield layer(f"ConvTranspose{n}d of all options", lambda: up(2, 4, (3, 2, 2)[:n], dilation=(1, 2, 1)[:n], **options, **d),
                    (2, *(3, 2, 2)[:n]))
        yield layer(f"ConvTranspose{n}d to a size", lambda: up(1, 2, 3, stride=2, bias=False, **d), (1, 1, *(3, 2, 2)[:n]),
                    call=lambda m, x: m(x[0], [8, 5, 6][:n]))


def prints():
    made = {}
    for n in (1, 2, 3):
        conv, up = getattr(nn, f"Conv{n}d"), getattr(nn, f"ConvTranspose{n}d")
        made[f"Conv{n}d"] = conv(2, 4, 3)
        made[f"Conv{n}d same"] = conv(2, 4, 3, padding="same", padding_mode="reflect")
        made[f"Conv{n}d valid"] = conv(2, 4, 3, padding="valid", bias=False)
        made[f"Conv{n}d of all options"] = conv(4, 6, (3, 1, 2)[:n], (1, 2, 1)[:n], (0, 1, 2)[-n:], (2, 3, 1)[:n], 2, False,
                                                "circular")
        made[f"ConvTranspose{n}d"] = up(2, 4, 3)
        made[f"ConvTranspose{n}d of all options"] = up(4, 6, 3, (2, 1, 2)[:n], 1, (1, 0, 1)[:n], 2, False, 2)
    return made
