"""Layers of tests/nn/vision_test.cpp: see ../layer_cases.py."""

from torch import nn

from layer_cases import F32, layer


def layers():
    plane = (1, 2, 3, 4)
    yield layer("Upsample to a size", lambda: nn.Upsample((5, 3)), plane)
    yield layer("Upsample by factors",
                lambda: nn.Upsample(scale_factor=(1.5, 2.0), mode="bilinear", recompute_scale_factor=True), plane, dtype=F32)
    yield layer("Upsample aligned", lambda: nn.Upsample(size=6, mode="linear", align_corners=True), (1, 2, 4))
    yield layer("UpsamplingNearest2d", lambda: nn.UpsamplingNearest2d(scale_factor=2), plane)
    yield layer("UpsamplingBilinear2d", lambda: nn.UpsamplingBilinear2d(size=(2, 5)), plane)
    yield layer("Unfold", lambda: nn.Unfold((2, 3), dilation=1, padding=(0, 1), stride=2), plane)
    yield layer("Fold", lambda: nn.Fold((4, 5), 2, padding=1, stride=(2, 1)), (1, 4, 18))


def prints():
    return {"Unfold": nn.Unfold(3), "Unfold of all options": nn.Unfold((2, 3), 2, (0, 1), (2, 1)),
            "Fold": nn.Fold((4, 5), 2), "Fold of all options": nn.Fold(6, (3, 2), dilation=2, padding=(1, 0), stride=2)}
