"""Losses of 200 training steps of a small convolutional network: writes parity.json for tests/train/parity_test.cpp.

Everything follows from the seed: the initial weights, the images (uniform noise with one of four quadrants brighter)
and the order of the batches. `weights` are checksums of the initial parameters, sum(|w|).

Made with PyTorch 1.13 (CPU, without MKL): python3 make_parity.py
"""

import json
import pathlib

import torch
from torch import nn

STEPS, IMAGES, BATCH = 200, 128, 32


def data():
    images = torch.rand(IMAGES, 1, 8, 8)
    labels = torch.arange(IMAGES) % 4
    for i in range(IMAGES):
        row, column = 4 * (i % 4 // 2), 4 * (i % 4 % 2)
        images[i, 0, row:row + 4, column:column + 4] += 0.25
    return images, labels


def train(dtype=torch.float32):
    torch.manual_seed(20)
    images, labels = data()
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 4)).to(dtype)
    weights = {name: p.double().abs().sum().item() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    losses = []
    for step in range(STEPS):
        at = step * BATCH % IMAGES
        loss = nn.functional.cross_entropy(model(images[at:at + BATCH].to(dtype)), labels[at:at + BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return weights, losses


def main():
    weights, losses = train()
    _, exact = train(torch.float64)
    apart = max(abs(a - b) / b for a, b in zip(losses, exact))
    assert apart < 2e-5, f"rounding alone moves the losses by {apart}: the training is too sensitive"
    golden = {"weights": weights, "losses": [float(f"{v:.9g}") for v in losses]}
    pathlib.Path(__file__).with_name("parity.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
