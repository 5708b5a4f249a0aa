"""Layers of tests/nn/dropout_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, layer

SHAPES = {nn.Dropout1d: ((3, 4, 2), (4, 3)), nn.Dropout2d: ((2, 3, 2, 2),), nn.Dropout3d: ((2, 3, 1, 2, 2), (3, 1, 2, 2)),
          nn.AlphaDropout: ((4, 6),), nn.FeatureAlphaDropout: ((3, 4, 2),)}


def layers():
    for p in (0.0, 0.1, 0.5, 1.0):
        yield layer(f"dropout {p}", lambda p=p: nn.Dropout(p), (4, 6), steps=2, dtype=F32)
    for kind, shapes in SHAPES.items():
        for shape in shapes:
            yield layer(f"{kind.__name__} of {len(shape)}", lambda: kind(0.4), shape, steps=2)


def prints():
    return {kind.__name__: kind(0.25) for kind in SHAPES}
